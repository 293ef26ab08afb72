// Package operators proves over HTTP, and with the real command, what operators can do to accounts, and what they cannot. It also proves
// what those who run the service do on the command line: keys, backups, incidents.
package operators

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

func TestMain(m *testing.M) { dbtest.Main(m, harness.Program.Migrations()...) }

// build builds the command freehold, once for all tests.
var build = sync.OnceValues(func() (path string, err error) {
	dir, err := os.MkdirTemp("", "freehold-operators-")
	if err != nil {
		return "", err
	}
	dbtest.AtExit(func() { os.RemoveAll(dir) })
	path = filepath.Join(dir, "freehold")
	c := exec.Command("go", "build", "-buildvcs=false", "-o", path, "freehold.dev/freehold")
	output, err := c.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, output)
	}
	return path, err
})

// freehold runs the command with the database of a service, and returns what it prints. Further settings are NAME=value.
func freehold(s *harness.Service, settings []string, args ...string) (output string, ok bool) {
	s.T.Helper()
	output, errors, ok := freeholdTyping(s, "", settings, args...)
	return output + errors, ok
}

// freeholdTyping is freehold for a person who types something. It returns separately what the command prints as an error.
func freeholdTyping(s *harness.Service, typed string, settings []string, args ...string) (output, errors string, ok bool) {
	s.T.Helper()
	path, err := build()
	if err != nil {
		s.T.Fatal(err)
	}
	c := exec.CommandContext(s.T.Context(), path, args...)
	c.Env = append([]string{"FREEHOLD_MIGRATE_URL=" + s.DB.Owner, "FREEHOLD_DATA_DIR=" + s.T.TempDir()}, settings...)
	var printed, complained strings.Builder
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(typed), &printed, &complained
	err = c.Run()
	return printed.String(), complained.String(), err == nil
}

// start starts a service. The function runs `freehold admin` with its database and signing key, which must succeed.
func start(t *testing.T, layers harness.Layers, further ...string) (s *harness.Service, admin func(args ...string) string) {
	t.Helper()
	folder := "FREEHOLD_DATA_DIR=" + t.TempDir()
	s = harness.StartWith(t, dbtest.New(t), layers, app.Options{}, append(further, folder)...)
	return s, func(args ...string) string {
		t.Helper()
		output, ok := freehold(s, []string{folder, "DATABASE_URL=" + s.DB.App}, append([]string{"admin"}, args...)...)
		if !ok {
			t.Fatalf("freehold admin %s: %s", strings.Join(args, " "), output)
		}
		return output
	}
}

// all are the scopes of operators.
var all = []string{"accounts:read", "accounts:disable", "sessions:revoke", "passwords:reset"}

// operator signs up an account and grants it scopes. Its token contains them.
func operator(s *harness.Service, scopes ...string) harness.Account {
	s.T.Helper()
	a := s.SignUp(nil)
	grant(s, a, scopes...)
	a.Token = s.SignIn(a.Email)
	return a
}

// grant grants scopes without the command, which takes longer.
func grant(s *harness.Service, a harness.Account, scopes ...string) {
	s.T.Helper()
	for _, scope := range scopes {
		s.DB.Query(s.T, `SELECT app.grant_scope($1, $2, 'a test')`, a.UserID, scope)
	}
}

// The mutations of operators, with one input, $i.
const (
	disable     = `mutation ($i: DisableAccountInput!) { disableAccount(input: $i) { success account { username state } } }`
	enable      = `mutation ($i: EnableAccountInput!) { enableAccount(input: $i) { success account { username state } } }`
	endSessions = `mutation ($i: RevokeAccountSessionsInput!) { revokeAccountSessions(input: $i) { success count account { username state } } }`
	startReset  = `mutation ($i: StartPasswordResetInput!) { startPasswordReset(input: $i) { success account { username state } } }`
)

// actions are the mutations of operators, by the scope that each requires.
var actions = map[string][]string{"accounts:disable": {disable, enable}, "sessions:revoke": {endSessions}, "passwords:reset": {startReset}}

// on runs a mutation of an operator on an account.
func on(s *harness.Service, by harness.Account, mutation string, of harness.Account) harness.Reply {
	s.T.Helper()
	return s.Do(by.Token, mutation, harness.Input("id", of.UserID))
}

// must is on for a mutation that must succeed.
func must(s *harness.Service, by harness.Account, mutation string, of harness.Account) harness.Reply {
	s.T.Helper()
	return s.Must(by.Token, mutation, harness.Input("id", of.UserID))
}

// event is a security event as the owner of the account reads it.
type event struct{ Kind, By, IP, Device string }

// events returns the events of an account as its owner reads them, newest first.
func events(s *harness.Service, token string) []event {
	s.T.Helper()
	var data struct {
		Me struct {
			SecurityEvents struct{ Nodes []event }
		}
	}
	s.Must(token, `{ me { securityEvents { nodes { kind by ip device } } } }`, nil).Into(s.T, &data)
	return data.Me.SecurityEvents.Nodes
}
