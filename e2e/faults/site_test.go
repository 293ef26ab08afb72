package faults

import (
	"bufio"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/faults/load"
	"freehold.dev/freehold/e2e/harness"
)

// site is freehold in production: two processes behind a balancer, a database, and clients.
type site struct {
	*harness.Service // of the balancer
	t                *testing.T
	rand             *mathrand.Rand
	balancer         *balancer
	instances        []*instance
	keyFile          string
	settings         []string
	own              *postgres // the PostgreSQL, if it is not that of all tests
	standby          *postgres
	proxy            *dbtest.Proxy
	mail             *mailServer
	load             *load.Load
	ended            time.Time     // when the fault ended
	recovery         time.Duration // of what a fault waits for itself
}

// binary builds the command once. It has no race detector, since it is the program that people run.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "freehold-")
	if err != nil {
		return "", err
	}
	dbtest.AtExit(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "freehold")
	build := exec.Command("go", "build", "-o", path, ".")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the command: %w\n%s", err, out)
	}
	return path, nil
})

// newSite prepares the site, with a seed for all that is random. It has a database of the PostgreSQL that the tests share, unless database
// returns another one.
func newSite(t *testing.T, seed uint64, database func(*site) dbtest.Database, settings ...string) *site {
	t.Helper()
	const instances = 2
	s := &site{t: t, rand: mathrand.New(mathrand.NewPCG(seed, 1<<32)), balancer: newBalancer(t, instances), keyFile: newKeyFile(t)}
	if database == nil {
		database = func(*site) dbtest.Database { return dbtest.New(t) }
	}
	d := database(s)
	s.Service = &harness.Service{T: t, DB: d, URL: s.balancer.URL, Logs: &harness.LogBuffer{}}
	t.Cleanup(s.CheckLog)
	s.settings = append([]string{
		"DATABASE_URL=" + d.App, "FREEHOLD_ENV=production", "FREEHOLD_ADDR=127.0.0.1:0", "FREEHOLD_PUBLIC_URL=https://id.example",
		"FREEHOLD_SIGNING_KEY_FILE=" + s.keyFile, "FREEHOLD_RATE_LIMIT=off", "FREEHOLD_DATABASE_CONNECTIONS=8", "FREEHOLD_DRAIN_DELAY=0s",
		// The short form runs beside other tests, with -race, so a statement can take longer than usual.
		"FREEHOLD_REQUEST_TIMEOUT=" + forms("30s", "10s"), "FREEHOLD_STATEMENT_TIMEOUT=" + forms("10s", "3s"),
	}, settings...)
	for n := range instances {
		s.instances = append(s.instances, &instance{site: s, number: n})
	}
	return s
}

// serve starts the instances.
func (s *site) serve() *site {
	s.t.Helper()
	for _, i := range s.instances {
		i.start()
	}
	return s
}

// serveHere starts the instances in this process, with options that the command does not have.
func (s *site) serveHere(options func(n int) app.Options) {
	s.t.Helper()
	for n := range s.instances {
		i, _ := harness.ListenOn(s.t, s.DB, func(l net.Listener) net.Listener { return l }, options(n), s.settings[1:]...)
		i.Allowed = s.Allowed
		s.instances[n].host = strings.TrimPrefix(i.URL, "http://")
		s.balancer.put(n, s.instances[n].host)
	}
}

func newKeyFile(t *testing.T) string {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "signing-key.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// instance is a process of the command.
type instance struct {
	site    *site
	number  int
	process *exec.Cmd
	ended   chan error
	host    string // and port
}

// freehold prepares the command with the settings of the site and further ones.
func (s *site) freehold(args ...string) *exec.Cmd {
	s.t.Helper()
	path, err := binary()
	if err != nil {
		s.t.Fatal(err)
	}
	c := exec.Command(path, args...)
	c.Env = append(os.Environ(), s.settings...)
	return c
}

var servingAt = regexp.MustCompile(`GraphQL +http://(\S+)/graphql`)

// start starts the process, and returns when it serves and the balancer knows it.
func (i *instance) start(further ...string) {
	i.site.t.Helper()
	c := i.site.freehold()
	c.Env = append(c.Env, further...)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Stderr = i.site.Logs
	out, err := c.StdoutPipe()
	if err != nil {
		i.site.t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		i.site.t.Fatal(err)
	}
	ended := make(chan error, 1)
	i.process, i.ended = c, ended
	i.site.t.Cleanup(func() { c.Process.Kill() }) // it may be gone
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if found := servingAt.FindStringSubmatch(lines.Text()); found != nil {
			go func() {
				io.Copy(io.Discard, out)
				ended <- c.Wait()
			}()
			i.host = found[1]
			i.site.balancer.put(i.number, i.host)
			return
		}
	}
	c.Wait()
	i.site.t.Fatalf("an instance does not start: %s", i.site.Logs)
}

// kill ends the process as kill -9 does.
func (i *instance) kill() {
	i.process.Process.Kill()
	<-i.ended
}

// end ends the process as an orchestrator does.
func (i *instance) end() {
	i.site.t.Helper()
	i.process.Process.Signal(syscall.SIGTERM)
	if err := <-i.ended; err != nil {
		i.site.t.Errorf("after SIGTERM, an instance ended with %v", err)
	}
}

// exec runs statements as the superuser.
func (s *site) exec(statements ...string) {
	s.t.Helper()
	for _, statement := range statements {
		s.DB.Query(s.t, statement)
	}
}

// terminate terminates the backends of the instances.
func (s *site) terminate() {
	s.t.Helper()
	s.exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'freehold_app'`)
}
