package faults

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

// R01: if the server is killed at any step of a sign-up, no part of an account is left, and the same sign-up then works.
func TestServerKilledAtEachStepOfSignUp(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	var steps []string
	for step := 1; ; step++ {
		if step > 20 {
			t.Fatal("a sign-up has more than 20 statements, or the victim survives")
		}
		name := fmt.Sprintf("victim-%d", step)
		victim := startVictim(t, d, "app.sign_up", step, t.TempDir())
		body := fmt.Sprintf(`{"query": "mutation { signUp(input: {email: \"%s@example.org\", password: \"%s\", username: \"%s\"}) { user { id } } }"}`, name, harness.Password, name)
		r, err := victim.TrySend(t.Context(), harness.Request{Body: body})
		if err == nil { // it survived, so all steps have been tested
			if len(r.Errors) > 0 {
				t.Fatalf("the surviving sign-up failed: %s", r.Body)
			}
			break
		}
		steps = append(steps, name)
		if half := d.Query(t, harness.HalfAccountsQuery); len(half) > 0 {
			t.Errorf("killed before statement %d: part of an account: %v", step, half)
		}
		if n := d.Query(t, `SELECT count(*) FROM app.users`); n[0] != "0" {
			t.Errorf("killed before statement %d, which is not after COMMIT, but %s accounts exist", step, n)
		}
	}
	if len(steps) < 6 {
		t.Errorf("only %d steps were killed: %v", len(steps), steps)
	}
	s := harness.StartWith(t, d, harness.BothLayers, app.Options{})
	for _, name := range slices.Backward(steps) {
		s.SignUpAs(name, nil)
	}
}

// R02: the server is killed at each step of a reset. Either nothing has happened and the code is valid, or it is used and the
// account has the new password.
func TestServerKilledAtEachStepOfReset(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() // one key for all
	s := harness.Start(t, "FREEHOLD_DATA_DIR="+dir).Work()
	before, after := 0, 0
	for step := 1; after < 2; step++ { // the client cannot distinguish later steps
		if step > 20 {
			t.Fatal("a reset has more than 20 statements, or the victim survives")
		}
		a := s.SignUp(nil)
		s.Must("", harness.RequestReset, harness.Input("email", a.Email))
		v := harness.Input("email", a.Email, "code", s.CodeTo(a.Email, "reset_password", 1), "newPassword", harness.NewPassword)
		victim := startVictim(t, s.DB, "app.reset_password", step, dir, "FREEHOLD_RATE_LIMIT=on") // which adds a step after COMMIT
		if r, err := victim.TrySend(t.Context(), harness.Request{Query: harness.ResetPassword, Vars: v}); err == nil {
			t.Fatalf("it survived, and was killed after COMMIT only %d times: %s", after, r.Body)
		}
		old := s.TrySignIn(a.Email, harness.Password)
		if used := len(old.Errors) > 0; used {
			after++
			s.ExpectFault("the code again", s.Do("", harness.ResetPassword, v), harness.WrongCode)
			s.ExpectNoSession(a.Token, "revoked")
		} else {
			before++
			s.ExpectMember(a.Token, a.Email)
			s.Must("", harness.ResetPassword, v)
		}
		if r := s.TrySignIn(a.Email, harness.NewPassword); len(r.Errors) > 0 {
			t.Errorf("killed before statement %d: the new password: %s", step, r.Body)
		}
		s.AwaitOutbox()
		if told := s.DB.Query(t, `SELECT count(*) FROM app.outbox WHERE kind = 'password_changed' AND recipient = $1`, a.Email); told[0] != "1" {
			t.Errorf("killed before statement %d: %s mails report it, want 1", step, told[0])
		}
	}
	if before < 3 {
		t.Errorf("killed only %d times before COMMIT", before)
	}
}

// R02: if the server is killed at any step of a deletion, the whole account is there and can be deleted.
func TestServerKilledAtEachStepOfDeletion(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := harness.Start(t, "FREEHOLD_DATA_DIR="+dir)
	steps := 0
	for step := 1; step <= 20; step++ {
		a := s.SignUp(nil)
		victim := startVictim(t, s.DB, "app.delete_account", step, dir, "FREEHOLD_PUBLIC_URL=http://127.0.0.1:8080") // that of s, which signed the token
		if r, err := victim.TrySend(t.Context(), harness.Request{Token: a.Token, Query: harness.DeleteAccount, Vars: harness.Input("password", harness.Password)}); err == nil {
			if len(r.Errors) > 0 {
				t.Errorf("the surviving deletion failed: %s", r.Body)
			}
			break
		}
		steps++
		if half := s.DB.Query(t, harness.HalfAccountsQuery); len(half) > 0 {
			t.Errorf("killed before statement %d: part of an account: %v", step, half)
		}
		s.ExpectMember(a.Token, a.Email)
		if n := s.DB.Query(t, `SELECT count(*) FROM app.outbox WHERE recipient = $1`, a.Email); n[0] != "0" {
			t.Errorf("killed before statement %d: a mail reports what has not happened", step)
		}
		s.Must(a.Token, harness.DeleteAccount, harness.Input("password", harness.Password))
	}
	if steps < 3 {
		t.Errorf("only %d steps were killed", steps)
	}
	if n := s.DB.Query(t, `SELECT count(*) FROM app.users`); n[0] != "0" {
		t.Errorf("%s accounts are left", n)
	}
}

// R17: an instance is killed after the mail server accepted a mail and before this is recorded. After the lease, another
// instance sends the mail once more, with the same Message-ID and code. An instance that is killed before it has sent
// anything causes no duplicate.
func TestServerKilledWhileItSendsAMail(t *testing.T) {
	t.Parallel()
	for from, copies := range map[string]int{"app.claim_mails": 1, "app.settle_mail": 2} {
		t.Run(from, func(t *testing.T) {
			t.Parallel()
			m := serveMail(t)
			dir := t.TempDir()
			smtp := []string{"FREEHOLD_DATA_DIR=" + dir, "FREEHOLD_SMTP_URL=smtp://" + m.address, "FREEHOLD_MAIL_FROM=no-reply@example.org"}
			s := harness.Start(t, smtp...)
			a := s.SignUp(nil)
			s.Must("", harness.RequestReset, harness.Input("email", a.Email))
			victim := startVictim(t, s.DB, from, 1, dir, smtp...)
			gone(victim)
			if n := len(m.all()); n != copies-1 {
				t.Fatalf("%d mails were sent by the one that was killed, want %d", n, copies-1)
			}
			const endLease = `UPDATE app.outbox SET next_attempt_at = now() WHERE sent_at IS NULL`
			if copies == 1 { // no instance has leased it
				s.DB.Query(t, endLease)
			}
			s.Work()
			if copies > 1 {
				time.Sleep(100 * time.Millisecond) // it would have looked by now
				if n := len(m.all()); n != 1 {
					t.Errorf("%d mails before the lease has ended, want 1", n)
				}
				s.DB.Query(t, endLease)
			}
			s.AwaitOutbox()
			all := m.all()
			if len(all) != copies {
				t.Fatalf("%d mails, want %d", len(all), copies)
			}
			code := harness.CodeInText.FindString(all[0].text)
			for _, copied := range all {
				if copied.id != all[0].id || copied.id == "" || copied.to != a.Email || harness.CodeInText.FindString(copied.text) != code {
					t.Errorf("a mail and its copy: %+v and %+v", all[0], copied)
				}
			}
			s.Must("", harness.ResetPassword, harness.Input("email", a.Email, "code", code, "newPassword", harness.NewPassword))
		})
	}
}
