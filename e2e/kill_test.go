package e2e

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"freehold/app"
	"freehold/db/dbtest"
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
	a, err := app.New(context.Background(), c, app.Options{Observe: observe, WithoutJobs: true}) // whose statements are none of a request's
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
func startVictim(t *testing.T, d dbtest.Database, from string, step int, dir string) *service {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(os.Environ(), fmt.Sprintf("%s=%d", victimEnv, step), victimFromEnv+"="+from, "DATABASE_URL="+d.App,
		"FREEHOLD_DATA_DIR="+dir, "FREEHOLD_ADDR=127.0.0.1:0", "FREEHOLD_RATE_LIMIT=off")
	command.Stderr = os.Stderr
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
	})
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("the victim did not start")
	}
	return &service{t: t, db: d, url: "http://" + lines.Text()}
}

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

// halfAccounts are the users that lack one of the parts that every account has.
const halfAccounts = `
	SELECT u.id FROM app.users u
	  FULL JOIN app.profiles p ON p.user_id = u.id FULL JOIN app.profile_private pp ON pp.user_id = p.user_id
	  FULL JOIN app.user_private up ON up.user_id = p.user_id FULL JOIN app.credentials c ON c.user_id = p.user_id
	 WHERE num_nulls(u.id, p.id, pp.user_id, up.user_id, c.user_id) > 0
	    OR NOT EXISTS (SELECT FROM app.sessions s WHERE s.user_id = u.id)`
