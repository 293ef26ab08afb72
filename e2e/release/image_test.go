package release

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/internal/eventually"
)

// image is the last stage of the Dockerfile, unpacked into a folder.
type image struct {
	dir        string
	env        []string
	user       uint32
	entrypoint string
	check      []string
}

// unpack builds what the Dockerfile's last stage consists of. There is no container engine here, so it reads the few instructions
// that this stage has, and fails at others.
func unpack(t *testing.T) image {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	built, last, ok := strings.Cut(string(text), "\nFROM scratch\n")
	if !ok || !strings.Contains(built, "scripts/release.sh binary /freehold\n") {
		t.Fatal("the Dockerfile does not build /freehold with scripts/release.sh, or its last stage is not FROM scratch")
	}
	i := image{dir: t.TempDir()}
	os.Chmod(i.dir, 0o755) // an unprivileged user runs there
	for line := range strings.Lines(last) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch words := strings.Fields(rest); name {
		case "COPY":
			copyFile(t, source(t, words[1]), filepath.Join(i.dir, words[2]))
		case "ENV":
			i.env = append(i.env, words...)
		case "USER":
			id, _, _ := strings.Cut(rest, ":")
			user, err := strconv.ParseUint(id, 10, 32)
			if err != nil {
				t.Fatalf("USER: %v", err) // Kubernetes' runAsNonRoot requires a number too
			}
			i.user = uint32(user)
		case "ENTRYPOINT":
			i.entrypoint = regexp.MustCompile(`"([^"]+)"`).FindStringSubmatch(rest)[1]
		case "HEALTHCHECK":
			_, command, _ := strings.Cut(rest, "CMD ")
			for _, word := range regexp.MustCompile(`"([^"]+)"`).FindAllStringSubmatch(command, -1) {
				i.check = append(i.check, word[1])
			}
		case "EXPOSE", "":
		default:
			t.Fatalf("the test does not know %s", name)
		}
	}
	return i
}

// source returns the file of this machine that the Dockerfile copies from the stage that builds.
func source(t *testing.T, path string) string {
	t.Helper()
	switch path {
	case "/freehold":
		file, err := binary()
		if err != nil {
			t.Fatal(err)
		}
		return file
	case "/etc/ssl/certs/ca-certificates.crt":
		for _, file := range []string{path, "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"} {
			if _, err := os.Stat(file); err == nil {
				return file
			}
		}
		t.Fatal("this machine has no certificate authorities")
	default:
		t.Fatalf("the test does not know the file %s", path)
	}
	return ""
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	info, err := os.Stat(from)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	put(t, to, data, info.Mode())
}

func put(t *testing.T, path string, data []byte, mode fs.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, mode); err != nil {
		t.Fatal(err)
	}
}

// command returns a command in the image's files, with only these settings. It runs as the image's user if the tests run as root, and
// else as the user of the tests.
func (i image) command(t *testing.T, settings []string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	var c *exec.Cmd
	switch {
	case runtime.GOOS != "linux": // has no way to change the root that works for every user
		c = exec.CommandContext(ctx, filepath.Join(i.dir, i.entrypoint), args...)
	case os.Getuid() == 0:
		c = exec.CommandContext(ctx, i.entrypoint, args...)
		c.SysProcAttr = &syscall.SysProcAttr{Chroot: i.dir, Credential: &syscall.Credential{Uid: i.user, Gid: i.user}}
		c.Dir = "/"
	default:
		c = exec.CommandContext(ctx, "unshare", append([]string{"--map-root-user", "chroot", i.dir, i.entrypoint}, args...)...)
	}
	c.Env = append(slices.Clone(i.env), settings...)
	return c
}

// secret writes a file that the image's user can read, as an orchestrator does, and returns its path for the image.
func (i image) secret(t *testing.T, path string, data []byte) string {
	t.Helper()
	put(t, filepath.Join(i.dir, path), data, 0o440)
	if os.Getuid() == 0 {
		if err := os.Chown(filepath.Join(i.dir, path), 0, int(i.user)); err != nil {
			t.Fatal(err)
		}
	}
	if runtime.GOOS != "linux" {
		return filepath.Join(i.dir, path)
	}
	return path
}

func signingKey(t *testing.T) []byte {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// The image's two files are enough to migrate and to serve: in production, as an unprivileged user, with secrets from files and a
// database over TCP.
func TestImageServes(t *testing.T) {
	t.Parallel()
	i := unpack(t)
	var files []string
	filepath.WalkDir(i.dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, strings.TrimPrefix(path, i.dir))
		}
		return err
	})
	if want := []string{"/etc/ssl/certs/ca-certificates.crt", "/freehold"}; !slices.Equal(files, want) || i.user == 0 {
		t.Fatalf("the image has the files %q and user %d", files, i.user)
	}

	for name, d := range deployments(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			unpack(t).serve(t, d.migrate, d.serve)
		})
	}
}

// serve migrates a database and serves it, as a file in deploy does. Ports are free ones of this machine.
func (i image) serve(t *testing.T, migrate, serve deployed) {
	t.Helper()
	d := dbtest.NewEmpty(t, "")
	app, owner := dbtest.NewProxy(t, d.App), dbtest.NewProxy(t, d.Owner)
	secrets := map[string][]byte{
		"database-url": []byte(app.URL(d.App) + "\n"), "migrate-url": []byte(owner.URL(d.Owner) + "\n"), "smtp-url": []byte("smtp://127.0.0.1:1"),
		"signing-key": signingKey(t), "encryption-key": []byte(strings.Repeat("A", 43) + "=\n"),
	}
	port, metricsPort := freePort(t), freePort(t)
	// The last value of a variable takes precedence.
	settings := append(i.place(t, serve, secrets), "FREEHOLD_ADDR=0.0.0.0:"+port, "FREEHOLD_METRICS_ADDR=127.0.0.1:"+metricsPort, "FREEHOLD_DRAIN_DELAY=0s")
	run := func(settings []string, want string, args ...string) {
		t.Helper()
		if out, err := i.command(t, settings, args...).CombinedOutput(); err != nil || !strings.Contains(string(out), want) {
			t.Fatalf("freehold %s: %v, %s; want %q", strings.Join(args, " "), err, out, want)
		}
	}
	run(settings, "freehold "+version, "version")
	run(settings, "DATABASE_URL_FILE=", "config")
	if out, err := i.command(t, settings, i.check[1:]...).CombinedOutput(); err == nil {
		t.Errorf("the health check succeeds without a server: %s", out)
	}
	run(i.place(t, migrate, secrets), "freehold: migrated", migrate.args...)

	s := &harness.Service{T: t, DB: d, URL: fmt.Sprint("http://127.0.0.1:", port), Logs: &harness.LogBuffer{}}
	server := i.command(t, settings)
	server.Stderr = s.Logs
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer server.Process.Kill()
	lines, started := bufio.NewScanner(out), ""
	for lines.Scan() {
		if started += lines.Text() + "\n"; strings.Contains(lines.Text(), "Ctrl-C") {
			break
		}
	}
	if !strings.Contains(started, "  version  "+version+", commit "+commit) {
		t.Errorf("the lines of the start do not have the build:\n%s", started)
	}
	if slices.Contains(serve.env, "FREEHOLD_ENV=production") {
		eventually.True(t, 5*time.Second, "the log has the build", func() bool {
			return strings.Contains(s.Logs.String(), `"msg":"starting","version":"`+version+`","commit":"`+commit)
		})
		checkStart(t, s.Logs, port)
	}
	if i.check[0] != i.entrypoint {
		t.Errorf("the health check runs %s", i.check[0])
	}
	run(settings, `{"status":"ready"}`, i.check[1:]...)
	if r := s.Do(s.SignUp(nil).Token, `{ me { email } }`, nil); len(r.Errors) > 0 {
		t.Errorf("me: %s", r.Body)
	}
	metrics := "http://127.0.0.1:" + metricsPort + "/metrics"
	series := fmt.Sprintf(`freehold_build_info{commit="%s",go="%s",version="%s"}`, commit, runtime.Version(), version)
	if all, _ := s.MetricsAt(metrics); all[series] != 1 {
		t.Errorf("the metrics do not have %s: %v", series, all.With("freehold_build"))
	}
	server.Process.Signal(syscall.SIGTERM)
	if err := server.Wait(); err != nil {
		t.Errorf("SIGTERM: %v\n%s", err, s.Logs)
	}
	s.CheckLog()
}

// checkStart checks that the first line of the log says what runs where, and no secret.
func checkStart(t *testing.T, logs *harness.LogBuffer, port string) {
	t.Helper()
	first, _, _ := strings.Cut(logs.String(), "\n")
	var line map[string]string
	if err := json.Unmarshal([]byte(first), &line); err != nil {
		t.Fatalf("%v: %s", err, first)
	}
	for name, want := range map[string]string{
		"msg": "^starting$", "go": "^go1", "address": `:` + port + "$", "publicURL": "^https://", "database": `^\w+ on (a Unix socket|[0-9a-f.:]+:\d+), PostgreSQL \d+\.\d+`,
		"migrations": `^freehold \d+$`, "keys": "^1, the one that signs is less than a day old$",
	} {
		if !regexp.MustCompile(want).MatchString(line[name]) {
			t.Errorf("the first line of the log has the %s %q, want %s", name, line[name], want)
		}
	}
	if strings.Contains(first, "postgres://") || strings.Contains(first, "freehold_app") {
		t.Errorf("the first line of the log has a part of DATABASE_URL: %s", first)
	}
}

// freePort returns a port that was free a moment ago. A server in the image needs it before it starts, since its health check does.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}
