// Package frontend proves that the front end in examples/web works as its users use it: Playwright drives its production build in a
// real Chromium, on the origin that it shares with a real freehold.
package frontend

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/e2e/harness/chromium"
)

func TestMain(m *testing.M) { dbtest.Main(m, harness.Program.Migrations()...) }

var pictures = flag.Bool("pictures", false, "write the README's pictures to docs/pictures")

const (
	folder    = "../../examples/web"
	storyTime = 12 * time.Minute // for all that Playwright does; a minute on an idle machine
)

// The specs are in examples/web/tests. Those that stop the service have one of their own.
func TestStories(t *testing.T) {
	t.Parallel()
	calm := serveCalmly(t)
	rough := serveRoughly(t)
	c := playwright(t, "CALM="+calm.pages, "CALM_SERVICE="+calm.service, "ROUGH="+rough.pages, "ROUGH_SERVICE="+rough.service, "ROUGH_CONTROL="+rough.control)
	done := make(chan error, 1)
	go func() { done <- c.Run() }()
	for {
		select {
		case act := <-rough.acts: // in this goroutine, since it can fail the test
			act()
		case err := <-done:
			if err != nil {
				t.Errorf("playwright: %v", err)
			}
			return
		}
	}
}

// site is a front end with its service.
type site struct {
	pages, service string // their origins
	control        string // where tests stop and start the service
	acts           chan func()
}

// serveCalmly serves a front end whose service has members already.
func serveCalmly(t *testing.T) site {
	t.Helper()
	pages, address := freeOrigin(t), freeAddress(t)
	s, _ := harness.ListenAt(t, dbtest.New(t), address, app.Options{}, settings(pages)...)
	for i := range 60 {
		s.SignUpAs(member(i))
	}
	servePages(t, pages, s.URL)
	return site{pages: pages, service: s.URL}
}

// serveRoughly serves a front end whose service tests stop, start and age. Its access tokens live for two seconds.
func serveRoughly(t *testing.T) site {
	t.Helper()
	pages, address := freeOrigin(t), freeAddress(t)
	d := dbtest.New(t)
	further := append(settings(pages), "FREEHOLD_DATA_DIR="+t.TempDir(), "FREEHOLD_ACCESS_TOKEN_TTL=2s") // one key for all
	start := func() (stop func() error) {
		_, stop = harness.ListenAt(t, d, address, app.Options{}, further...)
		return stop
	}
	stop, x := start(), site{pages: pages, service: "http://" + address, acts: make(chan func())}
	acts := map[string]func(){
		"/stop":  func() { _ = stop() }, // clients may hang on
		"/start": func() { stop = start() },
		"/age": func() { // all users signed in half an hour earlier
			d.Query(t, `UPDATE app.sessions SET authenticated_at = authenticated_at - interval '31 minutes'`)
		},
	}
	control := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		act, ok := acts[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		finished := make(chan struct{})
		select {
		case x.acts <- func() { defer close(finished); act() }:
			<-finished
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(control.Close)
	x.control = control.URL
	servePages(t, pages, x.service)
	return x
}

// settings returns those of a service whose mails link to pages.
func settings(pages string) []string {
	link := func(page string) string { return pages + "/" + page + "?email={email}&code={code}" }
	return []string{
		"FREEHOLD_PUBLIC_URL=" + pages, "FREEHOLD_VERIFY_EMAIL_URL=" + link("verify-email"), "FREEHOLD_RESET_PASSWORD_URL=" + link("reset-password"),
		"FREEHOLD_CHANGE_EMAIL_URL=" + link("change-email"), "FREEHOLD_SIGN_IN_URL=" + link("sign-in-by-mail"),
	}
}

// playwright returns the command that runs the specs.
func playwright(t *testing.T, env ...string) *exec.Cmd {
	t.Helper()
	readSources(t)
	ctx, cancel := context.WithTimeout(context.Background(), storyTime)
	t.Cleanup(cancel)
	c := exec.CommandContext(ctx, "node", "node_modules/@playwright/test/cli.js", "test")
	c.Args = append(c.Args, strings.Fields(os.Getenv("PLAYWRIGHT"))...) // such as --project=rough
	c.Dir, c.Stdout, c.Stderr = folder, os.Stdout, os.Stderr
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) } // so that it closes its browsers
	c.WaitDelay = 10 * time.Second
	c.Env = append(append(os.Environ(), "CHROMIUM="+chromium.Path(t), "RESULTS="+t.TempDir()), env...)
	if *pictures {
		c.Env = append(c.Env, "README_PICTURES=../../docs/pictures")
	}
	return c
}

// readSources makes go test run again when the front end or its tests have changed.
func readSources(t *testing.T) {
	t.Helper()
	files, err := filepath.Glob(folder + "/tests/*.ts")
	if err != nil || len(files) == 0 {
		t.Fatalf("the specs: %v", err)
	}
	for _, file := range append(files, folder+"/playwright.config.ts", folder+"/scripts/serve.mjs", folder+"/vite.config.ts", folder+"/dist/index.html") {
		if _, err := os.ReadFile(file); err != nil {
			t.Fatalf("the front end is not built: run make test: %v", err)
		}
	}
}

// member returns the username and the profile of a member.
func member(i int) (username string, profile harness.Vars) {
	first := []string{"Amara", "Bilal", "Chiara", "Dmitri", "Emeka", "Freya", "Gaspard", "Hana", "Imani", "Jonas", "Keiko", "Luca"}[i%12]
	last := []string{"Okafor", "Lindqvist", "Moreau", "Tanaka", "Silva"}[i/12]
	place := []string{"Lagos", "Uppsala", "Lyon", "Osaka", "Porto"}[i/12]
	work := []string{"Restores old maps.", "Grows tomatoes on a balcony.", "Writes about rivers.", "Builds small boats."}[i%4]
	return fmt.Sprintf("%s.%s", first, last), harness.Vars{"visibility": "PUBLIC", "displayName": first + " " + last, "location": place, "bio": work}
}
