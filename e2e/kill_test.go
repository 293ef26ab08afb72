package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/mail"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
)

// victimEnv makes this test binary, started again, a service that kills itself before the so-manieth statement, counted
// from the first that contains a text. Its other settings are the service's own.
const (
	victimEnv     = "E2E_VICTIM_STEP"
	victimFromEnv = "E2E_VICTIM_FROM"
)

func serveUntilKilled() {
	step, err := strconv.ParseInt(os.Getenv(victimEnv), 10, 64)
	if err != nil {
		panic(err)
	}
	var statements atomic.Int64
	observe := func(query string) {
		if !strings.Contains(query, os.Getenv(victimFromEnv)) && statements.Load() == 0 {
			return
		}
		if statements.Add(1) == step {
			syscall.Kill(os.Getpid(), syscall.SIGKILL) // the parent sees what became of it
			select {}
		}
	}
	c, err := app.LoadConfig(os.Environ())
	if err != nil {
		panic(err)
	}
	withoutJobs := !strings.Contains(os.Getenv(victimFromEnv), "_mail") // their statements are none of a request's
	a, err := program.New(context.Background(), c, app.Options{Observe: observe, WithoutJobs: withoutJobs, Log: logInJSON(os.Stderr, c)})
	if err != nil {
		panic(err)
	}
	l, err := net.Listen("tcp", c.Addr)
	if err != nil {
		panic(err)
	}
	fmt.Println(l.Addr())
	a.Serve(context.Background(), l) // it ends by being killed
}

// startVictim starts the process; the test kills it at the end if it has not done so itself.
// Further settings are NAME=value.
func startVictim(t *testing.T, d dbtest.Database, from string, step int, dir string, further ...string) *service {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(os.Environ(), fmt.Sprintf("%s=%d", victimEnv, step), victimFromEnv+"="+from, "DATABASE_URL="+d.App,
		"FREEHOLD_DATA_DIR="+dir, "FREEHOLD_ADDR=127.0.0.1:0", "FREEHOLD_RATE_LIMIT=off")
	command.Env = append(command.Env, further...)
	s := &service{t: t, db: d, logs: &logBuffer{}}
	command.Stderr = io.MultiWriter(os.Stderr, s.logs)
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		command.Process.Kill() // it may be gone
		command.Wait()         // killed, as intended
		s.checkLog()
	})
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("the victim did not start")
	}
	s.url = "http://" + lines.Text()
	return s
}

// gone waits until a victim that is killed by work of its own answers no more.
func (s *service) gone() {
	s.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if _, err := s.trySend(http.MethodPost, jsonHeader, asBody(s.t, `{ me { id } }`, nil)); err != nil {
			return
		}
	}
	s.t.Fatal("the victim lives")
}

// mailServer is a real SMTP server, which takes every mail.
type mailServer struct {
	address string
	mu      sync.Mutex
	taken   []takenMail
}

type takenMail struct{ to, id, text string }

func serveMail(t *testing.T) *mailServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &mailServer{address: l.Addr().String()}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &mailSession{server: m}, nil }))
	server.Domain, server.ErrorLog = "localhost", log.New(io.Discard, "", 0)
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	return m
}

func (m *mailServer) all() []takenMail {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.taken)
}

// mailSession is the conversation with one client.
type mailSession struct {
	server *mailServer
	to     string
}

func (s *mailSession) Mail(string, *smtp.MailOptions) error { return nil }

func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to += to
	return nil
}

func (s *mailSession) Data(r io.Reader) error {
	m, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(m.Body)
	if err != nil {
		return err
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.taken = append(s.server.taken, takenMail{s.to, m.Header.Get("Message-ID"), string(text)})
	return nil
}

func (s *mailSession) Reset()        { s.to = "" }
func (s *mailSession) Logout() error { return nil }

// R01: the server is killed at each step of a sign-up. There is never half an account, and the same sign-up then works.
func TestServerKilledAtEachStepOfSignUp(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	var steps []string
	for step := 1; ; step++ {
		if step > 20 {
			t.Fatal("a sign-up has more than 20 statements, or the victim does not die")
		}
		name := fmt.Sprintf("victim-%d", step)
		victim := startVictim(t, d, "app.sign_up", step, t.TempDir())
		body := fmt.Sprintf(`{"query": "mutation { signUp(input: {email: \"%s@example.org\", password: \"%s\", username: \"%s\"}) { user { id } } }"}`, name, password, name)
		r, err := victim.trySend(http.MethodPost, http.Header{"Content-Type": {"application/json"}}, body)
		if err == nil { // it lived: all steps have been seen
			if len(r.Errors) > 0 {
				t.Fatalf("the surviving sign-up failed: %s", r.Body)
			}
			break
		}
		steps = append(steps, name)
		if half := d.Query(t, halfAccounts); len(half) > 0 {
			t.Errorf("killed before statement %d: half an account: %v", step, half)
		}
		if n := d.Query(t, `SELECT count(*) FROM app.users`); n[0] != "0" {
			t.Errorf("killed before statement %d, which is not after COMMIT, but %s accounts exist", step, n)
		}
	}
	if len(steps) < 6 {
		t.Errorf("only %d steps were killed: %v", len(steps), steps)
	}
	s := startWith(t, d, bothWalls, app.Options{})
	for _, name := range slices.Backward(steps) {
		s.signUpAs(name, nil)
	}
}

// R02: the server is killed at each step of a reset. Either nothing has happened and the code is good, or it is used and the
// new password is the account's.
func TestServerKilledAtEachStepOfReset(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() // one key for all
	s := start(t, "FREEHOLD_DATA_DIR="+dir).work()
	before, after := 0, 0
	for step := 1; after < 2; step++ { // what follows is the same to the client
		if step > 20 {
			t.Fatal("a reset has more than 20 statements, or the victim does not die")
		}
		a := s.signUp(nil)
		s.must("", requestReset, input("email", a.Email))
		v := input("email", a.Email, "code", s.codeTo(a.Email, "reset_password", 1), "newPassword", newPassword)
		victim := startVictim(t, s.db, "app.reset_password", step, dir, "FREEHOLD_RATE_LIMIT=on") // by which there is a step after COMMIT
		if r, err := victim.trySend(http.MethodPost, jsonHeader, asBody(t, resetPassword, v)); err == nil {
			t.Fatalf("it lived, and after COMMIT only %d times it did not: %s", after, r.Body)
		}
		old := s.trySignIn(a.Email, password)
		if used := len(old.Errors) > 0; used {
			after++
			s.expectFault("the code again", s.do("", resetPassword, v), wrongCode)
			s.expectNobody(a.Token, "revoked")
		} else {
			before++
			s.expectMember(a.Token, a.Email)
			s.must("", resetPassword, v)
		}
		if r := s.trySignIn(a.Email, newPassword); len(r.Errors) > 0 {
			t.Errorf("killed before statement %d: the new password: %s", step, r.Body)
		}
		s.settled()
		if told := s.db.Query(t, `SELECT count(*) FROM app.outbox WHERE kind = 'password_changed' AND recipient = $1`, a.Email); told[0] != "1" {
			t.Errorf("killed before statement %d: %s mails tell of it, want 1", step, told[0])
		}
	}
	if before < 3 {
		t.Errorf("killed only %d times before COMMIT", before)
	}
}

// R02: the server is killed at each step of a deletion: all of the account is there, and can be deleted.
func TestServerKilledAtEachStepOfDeletion(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, "FREEHOLD_DATA_DIR="+dir)
	steps := 0
	for step := 1; step <= 20; step++ {
		a := s.signUp(nil)
		victim := startVictim(t, s.db, "app.delete_account", step, dir, "FREEHOLD_PUBLIC_URL=http://127.0.0.1:8080") // as s, whose token it is
		request := http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + a.Token}}
		if r, err := victim.trySend(http.MethodPost, request, asBody(t, deleteAccount, input("password", password))); err == nil {
			if len(r.Errors) > 0 {
				t.Errorf("the surviving deletion failed: %s", r.Body)
			}
			break
		}
		steps++
		if half := s.db.Query(t, halfAccounts); len(half) > 0 {
			t.Errorf("killed before statement %d: half an account: %v", step, half)
		}
		s.expectMember(a.Token, a.Email)
		if n := s.db.Query(t, `SELECT count(*) FROM app.outbox WHERE recipient = $1`, a.Email); n[0] != "0" {
			t.Errorf("killed before statement %d: he is told of what has not happened", step)
		}
		s.must(a.Token, deleteAccount, input("password", password))
	}
	if steps < 3 {
		t.Errorf("only %d steps were killed", steps)
	}
	if n := s.db.Query(t, `SELECT count(*) FROM app.users`); n[0] != "0" {
		t.Errorf("%s accounts are left", n)
	}
}

// R17: an instance is killed between the mail server's taking a mail and the noting of it. After the lease another sends it
// once more, with the same Message-ID and code; one that was killed before it has sent anything makes no duplicate.
func TestServerKilledWhileItSendsAMail(t *testing.T) {
	t.Parallel()
	for from, copies := range map[string]int{"app.claim_mails": 1, "app.settle_mail": 2} {
		t.Run(from, func(t *testing.T) {
			t.Parallel()
			m := serveMail(t)
			dir := t.TempDir()
			smtp := []string{"FREEHOLD_DATA_DIR=" + dir, "FREEHOLD_SMTP_URL=smtp://" + m.address, "FREEHOLD_MAIL_FROM=no-reply@example.org"}
			s := start(t, smtp...)
			a := s.signUp(nil)
			s.must("", requestReset, input("email", a.Email))
			victim := startVictim(t, s.db, from, 1, dir, smtp...)
			victim.gone()
			if n := len(m.all()); n != copies-1 {
				t.Fatalf("%d mails were sent by the one that was killed, want %d", n, copies-1)
			}
			const endLease = `UPDATE app.outbox SET next_attempt_at = now() WHERE sent_at IS NULL`
			if copies == 1 { // nobody has it in hand
				s.db.Query(t, endLease)
			}
			s.work()
			if copies > 1 {
				time.Sleep(100 * time.Millisecond) // it would have looked by now
				if n := len(m.all()); n != 1 {
					t.Errorf("%d mails before the lease has ended, want 1", n)
				}
				s.db.Query(t, endLease)
			}
			s.settled()
			all := m.all()
			if len(all) != copies {
				t.Fatalf("%d mails, want %d", len(all), copies)
			}
			code := codeInText.FindString(all[0].text)
			for _, copied := range all {
				if copied.id != all[0].id || copied.id == "" || copied.to != a.Email || codeInText.FindString(copied.text) != code {
					t.Errorf("a mail and its copy: %+v and %+v", all[0], copied)
				}
			}
			s.must("", resetPassword, input("email", a.Email, "code", code, "newPassword", newPassword))
		})
	}
}

// halfAccounts are the users that lack one of the parts that every account has.
const halfAccounts = `
	SELECT u.id FROM app.users u
	  FULL JOIN app.profiles p ON p.user_id = u.id FULL JOIN app.profile_private pp ON pp.user_id = p.user_id
	  FULL JOIN app.user_private up ON up.user_id = p.user_id FULL JOIN app.credentials c ON c.user_id = p.user_id
	 WHERE num_nulls(u.id, p.id, pp.user_id, up.user_id, c.user_id) > 0
	    OR NOT EXISTS (SELECT FROM app.sessions s WHERE s.user_id = u.id)`
