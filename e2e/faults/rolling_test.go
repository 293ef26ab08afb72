package faults

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

// R27: while servers are replaced one by one, those of the earlier build serve a database that the next build has migrated,
// also after a restart. They can take over again: they serve the accounts and sessions that the next build has created.
//
// The earlier build is that of the commit in serves.txt. Move the commit by hand, to that of a release whose servers may still
// run when this build migrates. If the test fails because a migration does not serve that build, either make the migration
// serve it and declare that ("-- Serves builds from: N"), or move the commit and tell operators to stop older servers before
// they migrate.
func TestOldBuildServesANewerDatabase(t *testing.T) {
	t.Parallel()
	old := buildOld(t)
	d := dbtest.NewEmpty(t, "")
	old.migrate(t, d, "")
	stale := old.serve(t, d)

	stop := stale.keepAsking()
	current, last := currentFiles(t)
	migrate(t, d, withMigration(current, last+1, fmt.Sprintf("-- Serves builds from: %d\n", old.number)))
	stop()
	stale.story("before its restart")
	stale.end()

	const functions = `SELECT proname || xmin FROM pg_proc WHERE pronamespace = 'app'::regnamespace ORDER BY 1`
	before := d.Query(t, functions)
	old.migrate(t, d, "")
	if diff := cmp.Diff(before, d.Query(t, functions)); diff != "" {
		t.Errorf("the old build's migration changed functions of the newer build (-before +after):\n%s", diff)
	}
	newer := harness.StartWith(t, d, harness.BothLayers, app.Options{}, "FREEHOLD_DATA_DIR="+old.data, publicURL)
	account := newer.SignUp(harness.Vars{"bio": "of the newer build"})
	restarted := old.serve(t, d)
	restarted.story("after its restart")
	restarted.takesOver(newer, account)
	restarted.end()

	migrate(t, d, withMigration(withMigration(current, last+1, fmt.Sprintf("-- Serves builds from: %d\n", old.number)), last+2, ""))
	old.migrate(t, d, "upgrade freehold")
	if output, _ := old.run(t, []string{"DATABASE_URL=" + d.App, "FREEHOLD_ADDR=127.0.0.1:0"}); !strings.Contains(output, "upgrade freehold") {
		t.Errorf("the old build on a database that does not serve it: %s", output)
	}
}

// publicURL is that of both builds, because it is the issuer of their tokens.
const publicURL = "FREEHOLD_PUBLIC_URL=http://localhost:8080"

// oldBuild is the binary of an earlier commit.
type oldBuild struct {
	path   string
	data   string // the folder of its keys
	number int64  // of its newest migration
}

func buildOld(t *testing.T) oldBuild {
	t.Helper()
	text, err := os.ReadFile("serves.txt")
	if err != nil {
		t.Fatal(err)
	}
	commit := strings.TrimSpace(regexp.MustCompile(`(?m)^#.*\n`).ReplaceAllString(string(text), ""))
	if !regexp.MustCompile(`^[0-9a-f]{7,40}$`).MatchString(commit) {
		t.Fatalf("serves.txt must have one commit, and has %q", commit)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	sources, out := t.TempDir(), filepath.Join(t.TempDir(), "freehold")
	command(t, root, nil, "git", "merge-base", "--is-ancestor", commit, "HEAD") // fails in a clone without the full history
	command(t, root, []string{"GIT_INDEX_FILE=" + filepath.Join(t.TempDir(), "index")},
		"git", "--work-tree="+sources, "checkout", "--quiet", commit, "--", ".")
	command(t, sources, nil, "go", "build", "-buildvcs=false", "-o", out, ".")
	return oldBuild{path: out, data: t.TempDir(), number: lastMigration(t, os.DirFS(filepath.Join(sources, "db", "migrations")))}
}

// command runs a program that must succeed.
func command(t *testing.T, dir string, env []string, name string, args ...string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, args...)
	c.Dir, c.Env = dir, append(os.Environ(), env...)
	if output, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v (the commit of serves.txt must be in the history, so clone it in full)\n%s", name, strings.Join(args, " "), err, output)
	}
}

// run runs the binary to its end and returns its output, and whether it has succeeded.
func (b oldBuild) run(t *testing.T, env []string, args ...string) (output string, ok bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, b.path, args...)
	c.Env = append(os.Environ(), append(env, "FREEHOLD_DATA_DIR="+t.TempDir())...)
	text, err := c.CombinedOutput()
	if err != nil && len(text) == 0 {
		t.Fatalf("run the old build: %v", err)
	}
	return string(text), err == nil
}

// migrate migrates with the old build, whose error must contain fault; "" means success.
func (b oldBuild) migrate(t *testing.T, d dbtest.Database, fault string) {
	t.Helper()
	output, ok := b.run(t, []string{"FREEHOLD_MIGRATE_URL=" + d.Owner}, "migrate")
	if ok != (fault == "") || !strings.Contains(output, fault) {
		t.Fatalf("the old build's migration says %q, want %q", output, fault)
	}
}

// oldService is a server of the old build.
type oldService struct {
	*harness.Service
	end func()
}

func (b oldBuild) serve(t *testing.T, d dbtest.Database) oldService {
	t.Helper()
	c := exec.CommandContext(t.Context(), b.path)
	c.Env = append(os.Environ(), "DATABASE_URL="+d.App, "FREEHOLD_DATA_DIR="+b.data, "FREEHOLD_ADDR=127.0.0.1:0", "FREEHOLD_RATE_LIMIT=off", publicURL,
		"FREEHOLD_REQUEST_TIMEOUT=60s", "FREEHOLD_STATEMENT_TIMEOUT=60s")
	s := &harness.Service{T: t, DB: d, Logs: &harness.LogBuffer{}}
	c.Stderr = s.Logs
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	end := sync.OnceFunc(func() {
		c.Process.Signal(syscall.SIGTERM)
		c.Wait()
		s.CheckLog()
	})
	t.Cleanup(end)
	address := regexp.MustCompile(`GraphQL +(http://\S+)/graphql`)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if found := address.FindStringSubmatch(lines.Text()); found != nil {
			s.URL = found[1]
			go io.Copy(io.Discard, out)
			return oldService{s, end}
		}
	}
	end()
	t.Fatalf("the old build does not serve: %s", s.Logs)
	return oldService{}
}

// keepAsking reads and writes continuously until the test calls stop. Like a client, it retries once after UNAVAILABLE: on a slow machine, a
// request can wait too long for the tables that the migration has locked.
func (s oldService) keepAsking() (stop func()) {
	a := s.SignUp(nil)
	var wg sync.WaitGroup
	done := make(chan struct{})
	for _, query := range []string{`{ me { email profile { bio } } profiles { nodes { id } } }`, `mutation { updateProfile(input: {bio: "x"}) { profile { bio } } }`} {
		wg.Go(func() {
			for {
				r, err := s.TryDo(a.Token, query, nil)
				if err == nil && r.Code() == "UNAVAILABLE" {
					time.Sleep(time.Duration(r.Errors[0].Extensions.RetryAfter) * time.Second)
					r, err = s.TryDo(a.Token, query, nil)
				}
				if err != nil || len(r.Errors) > 0 {
					s.T.Errorf("while the database is migrated: %s %v\n%s", r.Body, err, s.Logs.Containing("a request failed"))
				}
				select {
				case <-done:
					return
				case <-time.After(time.Millisecond):
				}
			}
		})
	}
	stop = sync.OnceFunc(func() {
		close(done)
		wg.Wait()
	})
	s.T.Cleanup(stop)
	return stop
}

// story takes an account through its life.
func (s oldService) story(when string) {
	s.T.Helper()
	expect := func(what string, r harness.Reply, want string) {
		s.T.Helper()
		if !strings.Contains(r.Body, want) {
			s.T.Errorf("%s, %s: %s, want %s", when, what, r.Body, want)
		}
	}
	a := s.SignUp(nil)
	expect("me", s.Must(a.Token, `{ me { email } }`, nil), a.Email)
	s.Must(a.Token, `mutation { updateProfile(input: {bio: "about me", phoneNumber: "+4930123456", visibility: PUBLIC}) { profile { id } } }`, nil)
	expect("the profile", s.Must("", `query ($u: String!) { profile(username: $u) { bio } }`, harness.Vars{"u": a.Username}), "about me")
	s.Must(a.Token, `mutation { signOut { success } }`, nil)
	expect("me after signing out", s.Do(a.Token, `{ me { email } }`, nil), "UNAUTHENTICATED")
	var in struct {
		SignIn struct{ Tokens struct{ RefreshToken string } }
	}
	s.Must("", harness.SignInMutation, harness.Input("email", a.Email, "password", harness.Password)).Into(s.T, &in)
	token, _, reason := s.Refresh(in.SignIn.Tokens.RefreshToken)
	if reason != "" {
		s.T.Errorf("%s, refreshing: %s", when, reason)
	}
	expect("me after refreshing", s.Must(token, `{ me { profile { phoneNumber } } }`, nil), "+4930123456")
	s.Must("", harness.RequestReset, harness.Input("email", a.Email))
	s.Must("", harness.ResetPassword, harness.Input("email", a.Email, "code", s.CodeTo(a.Email, "reset_password", 1), "newPassword", harness.NewPassword))
	expect("the old password", s.TrySignIn(a.Email, harness.Password), "INVALID_CREDENTIALS")
	var again struct {
		SignIn struct{ Tokens struct{ AccessToken string } }
	}
	s.Must("", harness.SignInMutation, harness.Input("email", a.Email, "password", harness.NewPassword)).Into(s.T, &again)
	token = again.SignIn.Tokens.AccessToken
	expect("the new username", s.Must(token, harness.ChangeUsername, harness.Input("username", a.Username+"-2")), a.Username+"-2")
	expect("the deletion", s.Must(token, harness.DeleteAccount, harness.Input("password", harness.NewPassword)), a.UserID)
	expect("signing in after the deletion", s.TrySignIn(a.Email, harness.NewPassword), "INVALID_CREDENTIALS")
}

// takesOver continues what a user has begun at the newer build, and then lets the newer build continue.
func (s oldService) takesOver(newer *harness.Service, a harness.Account) {
	s.T.Helper()
	const me = `{ me { email profile { bio } } }`
	for what, token := range map[string]string{"the token": a.Token, "a new session": s.SignIn(a.Email)} {
		if r := s.Must(token, me, nil); !strings.Contains(r.Body, "of the newer build") {
			s.T.Errorf("%s of the newer build's account: %s", what, r.Body)
		}
	}
	token, next, reason := s.Refresh(a.Refresh)
	if reason != "" {
		s.T.Errorf("refreshing the newer build's session: %s", reason)
	}
	s.Must(token, `mutation { updateProfile(input: {bio: "of the older build"}) { profile { bio } } }`, nil)
	if token, _, reason = newer.Refresh(next); reason != "" {
		s.T.Errorf("refreshing the session at the newer build again: %s", reason)
	}
	if r := newer.Must(token, me, nil); !strings.Contains(r.Body, "of the older build") {
		s.T.Errorf("the newer build does not have what the older build wrote: %s", r.Body)
	}
}

// currentFiles returns the files of freehold's migrations, with newer texts of the functions, and the number of the newest
// migration.
func currentFiles(t *testing.T) (fstest.MapFS, int64) {
	t.Helper()
	own, files := db.OwnMigrations().Files, fstest.MapFS{}
	for _, pattern := range []string{"*.sql", "functions/*.sql"} {
		names, err := fs.Glob(own, pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text, err := fs.ReadFile(own, name)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(name, "functions/") {
				text = append(text, "-- Of a newer build.\n"...)
			}
			files[name] = &fstest.MapFile{Data: text}
		}
	}
	return files, lastMigration(t, own)
}

// withMigration returns the files with another migration, which adds a column.
func withMigration(files fstest.MapFS, number int64, declaration string) fstest.MapFS {
	files = maps.Clone(files)
	files[fmt.Sprintf("%04d_next.sql", number)] = &fstest.MapFile{Data: fmt.Appendf(nil,
		"%s-- +goose Up\nALTER TABLE app.profiles ADD COLUMN next_%d text;\n", declaration, number)}
	return files
}

// setOf returns a newer text of freehold's own set.
func setOf(files fstest.MapFS) db.MigrationSet {
	return db.MigrationSet{Name: "freehold", Files: files}
}

// migrate migrates as a build with these files of freehold's own would.
func migrate(t *testing.T, d dbtest.Database, files fstest.MapFS) {
	t.Helper()
	if err := db.Migrate(t.Context(), d.Owner, setOf(files)); err != nil {
		t.Fatal(err)
	}
}

func lastMigration(t *testing.T, files fs.FS) int64 {
	t.Helper()
	names, err := fs.Glob(files, "*.sql")
	if err != nil || len(names) == 0 {
		t.Fatalf("find migrations: %v %v", names, err)
	}
	number, err := goose.NumericComponent(names[len(names)-1])
	if err != nil {
		t.Fatal(err)
	}
	return number
}
