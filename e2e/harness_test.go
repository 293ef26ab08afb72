// Package e2e tests freehold through its outermost door: HTTP, against a real PostgreSQL, as the app's unprivileged
// role. It has no code of its own.
package e2e

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/internal/levers"
	"freehold.dev/freehold/modules"
)

func TestMain(m *testing.M) {
	if os.Getenv(victimEnv) != "" {
		serveUntilKilled()
		return
	}
	dbtest.Main(m, program.Migrations()...)
}

// program is what is tested.
var program = modules.MustProgram()

// service is a running freehold with a database of its own.
type service struct {
	t    testing.TB
	db   dbtest.Database
	url  string
	logs *logBuffer
	app  *app.App

	expected []string // errors of the log that the test causes
	allowed  []string // those that it may cause

	prefix   string // of cookies' names
	byCookie bool   // whether refresh goes by the cookie

	fromAnywhere bool // each request says that it comes from an address of its own; the service has to trust 127.0.0.1 for that
}

type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// walls says which of the two are up.
type walls int

const (
	bothWalls    walls = iota
	rulesAlone         // the database role bypasses the row policies
	policiesOnly       // the field rules are switched off
)

func (w walls) String() string {
	return [...]string{"both walls", "rules alone", "policies alone"}[w]
}

// config returns the settings of a test's service; further ones are NAME=value.
func config(t testing.TB, databaseURL string, further ...string) app.Config {
	t.Helper()
	c, err := app.LoadConfig(append([]string{
		"DATABASE_URL=" + databaseURL, "FREEHOLD_DATA_DIR=" + t.TempDir(), "FREEHOLD_RATE_LIMIT=off", "FREEHOLD_LOG_LEVEL=DEBUG",
		"FREEHOLD_REQUEST_TIMEOUT=60s", "FREEHOLD_STATEMENT_TIMEOUT=60s", // machines are slow and -race is on; tests of time-outs set their own
	}, further...))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// production returns the settings of a service in production, for a database.
func production(t testing.TB, d dbtest.Database) []string {
	t.Helper()
	dir := t.TempDir()
	startWith(t, d, bothWalls, app.Options{}, "FREEHOLD_DATA_DIR="+dir) // makes a key to use
	return []string{"FREEHOLD_ENV=production", "FREEHOLD_PUBLIC_URL=https://id.example", "FREEHOLD_SIGNING_KEY_FILE=" + dir + "/signing-key.pem"}
}

func start(t testing.TB, further ...string) *service {
	return startWith(t, dbtest.New(t), bothWalls, app.Options{}, further...)
}

// startDear is start with password hashes at their full cost.
func startDear(t testing.TB, further ...string) *service {
	return startWeakened(t, dbtest.New(t), bothWalls, levers.Levers{}, app.Options{}, further...)
}

// cheap weakens nothing but password hashes.
var cheap = levers.Levers{CheapPasswords: true}

func startWith(t testing.TB, d dbtest.Database, w walls, o app.Options, further ...string) *service {
	t.Helper()
	return startWeakened(t, d, w, cheap, o, further...)
}

// startWeakened is startWith for a service that l weakens.
func startWeakened(t testing.TB, d dbtest.Database, w walls, l levers.Levers, o app.Options, further ...string) *service {
	t.Helper()
	s := &service{t: t, db: d, logs: &logBuffer{}}
	url := d.App
	if w == policiesOnly {
		l.Rule = func(string) string { return "public" }
	}
	if w == rulesAlone {
		url, l.AnyRole = d.Bypass, true
	}
	c := config(t, url, further...)
	o.MailLatest = cmp.Or(o.MailLatest, mailAtOnce)
	o.Log = logInJSON(s.logs, c)
	if strings.HasPrefix(c.PublicURL, "https:") {
		s.prefix = "__Host-"
	}
	a, err := program.New(levers.With(t.Context(), l), c, o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(a.Handler())
	server.Config.ErrorLog = slog.NewLogLogger(o.Log.Handler(), slog.LevelError) // a panic that nothing else has seen
	server.Start()
	t.Cleanup(func() {
		server.Close()
		a.Close()
		s.checkLog()
	})
	s.url, s.app = server.URL, a
	return s
}

// mailAtOnce has mails sent without the usual wait.
const mailAtOnce = time.Nanosecond

// logInJSON is the log of a service in the form of production, at all levels.
func logInJSON(w io.Writer, c app.Config) *slog.Logger {
	c.Env, c.LogLevel = "production", slog.LevelDebug
	return app.NewLog(w, c)
}

// expectError says that the test causes errors in the log with this text.
func (s *service) expectError(text string) { s.expected = append(s.expected, text) }

// checkLog fails the test if the log has a panic or an ERROR that the test does not expect, or lacks one that it expects.
func (s *service) checkLog() {
	s.t.Helper()
	met := map[string]bool{}
	for line := range strings.Lines(s.logs.String()) {
		if !strings.Contains(line, `"level":"ERROR"`) && !strings.Contains(line, `"msg":"a panic"`) {
			continue
		}
		known := false
		for _, text := range slices.Concat(s.expected, s.allowed) {
			if strings.Contains(line, text) {
				known, met[text] = true, true
			}
		}
		if !known {
			s.t.Errorf("the log has an error that the test did not ask for: %.2000s", line)
		}
	}
	for _, text := range s.expected {
		if !met[text] {
			s.t.Errorf("the log lacks the error %q", text)
		}
	}
}

// reply is a GraphQL response.
type reply struct {
	Status int             `json:"-"`
	Header http.Header     `json:"-"`
	Body   string          `json:"-"`
	Data   json.RawMessage `json:"data"`
	Errors []replyError    `json:"errors"`
}

type replyError struct {
	Message    string `json:"message"`
	Path       []any  `json:"path"`
	Extensions struct {
		Code       string       `json:"code"`
		Reason     string       `json:"reason"`
		Fields     []replyField `json:"fields"`
		RetryAfter int          `json:"retryAfter"`
		RequestID  string       `json:"requestId"`
	} `json:"extensions"`
}

type replyField struct {
	Path, Code, Message string
	Params              map[string]any
}

// code returns the code of the only error, "" for none, and all of them for more.
func (r reply) code() string {
	codes := make([]string, len(r.Errors))
	for i, e := range r.Errors {
		codes[i] = e.Extensions.Code
	}
	return strings.Join(codes, " ")
}

// fields returns the faults of the only error as "path CODE", sorted as they came.
func (r reply) fields() (list []string) {
	if len(r.Errors) == 1 {
		for _, f := range r.Errors[0].Extensions.Fields {
			list = append(list, f.Path+" "+f.Code)
		}
	}
	return list
}

// into decodes the data.
func (r reply) into(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(r.Data, v); err != nil {
		t.Fatalf("decode %s: %v", r.Body, err)
	}
}

type vars map[string]any

// do sends an operation with a token, or without one if it is empty.
func (s *service) do(token, query string, v vars) reply {
	s.t.Helper()
	r, err := s.tryDo(token, query, v)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// tryDo is do for goroutines, which may not end a test.
func (s *service) tryDo(token, query string, v vars) (reply, error) {
	body, err := json.Marshal(map[string]any{"query": query, "variables": v})
	if err != nil {
		return reply{}, err
	}
	header := http.Header{"Content-Type": {"application/json"}}
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	if s.fromAnywhere {
		n := serial.Add(1)
		header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.%d", n>>16&255, n>>8&255, n&255))
	}
	return s.trySend(http.MethodPost, header, string(body))
}

func (s *service) send(method string, header http.Header, body string) reply {
	s.t.Helper()
	r, err := s.trySend(method, header, body)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

var client = &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 100}}

func (s *service) trySend(method string, header http.Header, body string) (r reply, err error) {
	return s.trySendWithin(s.t.Context(), method, header, body)
}

func (s *service) trySendWithin(ctx context.Context, method string, header http.Header, body string) (r reply, err error) {
	request, err := http.NewRequestWithContext(ctx, method, s.url+"/graphql", strings.NewReader(body))
	if err != nil {
		return r, err
	}
	request.Header = header
	return ask(request)
}

// sendChanged sends a POST after change has changed it.
func (s *service) sendChanged(body string, change func(*http.Request)) reply {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url+"/graphql", strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	change(request)
	r, err := ask(request)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// ask sends a request whose answer is a GraphQL response.
func ask(request *http.Request) (r reply, err error) {
	response, err := client.Do(request)
	if err != nil {
		return r, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("status %d is not JSON: %q", response.StatusCode, text)
	}
	r.Status, r.Header, r.Body = response.StatusCode, response.Header, string(text)
	return r, nil
}

// account is a member as a client knows him.
type account struct {
	UserID, ProfileID, Username, Email, Token, Refresh string
}

const password = "correct horse battery staple"

var serial atomic.Int64

// signUp makes a member, with further fields of his profile.
func (s *service) signUp(profile vars) account {
	s.t.Helper()
	name := fmt.Sprintf("member-%d", serial.Add(1))
	return s.signUpAs(name, profile)
}

const signUpMutation = `mutation ($input: SignUpInput!) {
	signUp(input: $input) { user { id email profile { id username } } tokens { accessToken refreshToken expiresAt } }
}`

func (s *service) signUpAs(name string, profile vars) account {
	s.t.Helper()
	a := account{Username: name, Email: name + "@example.org"}
	r := s.do("", signUpMutation, vars{"input": vars{"email": a.Email, "password": password, "username": name, "profile": profile}})
	if len(r.Errors) > 0 {
		s.t.Fatalf("sign up %s: %s", name, r.Body)
	}
	a.fill(s.t, r)
	return a
}

func (a *account) fill(t testing.TB, r reply) {
	t.Helper()
	var data struct {
		SignUp struct {
			User struct {
				ID      string
				Profile struct{ ID string }
			}
			Tokens struct{ AccessToken, RefreshToken string }
		}
	}
	r.into(t, &data)
	a.UserID, a.ProfileID = data.SignUp.User.ID, data.SignUp.User.Profile.ID
	a.Token, a.Refresh = data.SignUp.Tokens.AccessToken, data.SignUp.Tokens.RefreshToken
	if a.UserID == "" || a.ProfileID == "" || a.Token == "" || a.Refresh == "" {
		t.Fatalf("a sign-up without user, profile or tokens: %s", r.Body)
	}
}

// decodeClaims reads a JWT's claims without verifying it.
func decodeClaims(t testing.TB, token string) (claims map[string]any) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is no JWT", token)
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

// appOptions are what a test's own service is made with.
func appOptions() app.Options { return app.Options{} }

// fetch asks for anything that is not GraphQL.
func (s *service) fetch(method, url string) (status int, header http.Header, body string) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, url, http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(text)
}
