package operators

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"freehold.dev/freehold/e2e/harness"
)

// park puts a parked mail about an account into the outbox, and returns its id.
func park(s *harness.Service, a harness.Account, kind string) string {
	s.T.Helper()
	return s.DB.Query(s.T, `
		INSERT INTO app.outbox (id, kind, user_id, recipient, data, attempts, parked_at, last_error)
		VALUES (gen_random_uuid(), $1, $2, $3, '{"username": "x"}', 20, now(), '550') RETURNING id`, kind, a.UserID, a.Email)[0]
}

// parkAll parks what waits, and returns the id of the mail of a kind.
func parkAll(s *harness.Service, kind string) string {
	s.T.Helper()
	return s.DB.Query(s.T, `UPDATE app.outbox SET parked_at = now(), last_error = COALESCE(last_error, '550'), attempts = 20 WHERE kind = $1 AND sent_at IS NULL RETURNING id`, kind)[0]
}

// A parked mail that still has a recipient is sent again. One that is addressed to nobody is not: the command says why, and changes
// nothing, and --all leaves it out.
func TestRetriedMails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mail func(s *harness.Service, a harness.Account) (id string)
		want string // why not; "" if it is sent
	}{
		"a notice": {func(s *harness.Service, a harness.Account) string { return park(s, a, "password_changed") }, ""},
		"a notice to the address that the account had": {func(s *harness.Service, a harness.Account) string {
			s.DB.Query(s.T, `UPDATE app.user_private SET email = 'y@example.org', email_key = 'y@example.org' WHERE user_id = $1`, a.UserID)
			return park(s, a, "email_changed_old")
		}, ""},
		"a code": {func(s *harness.Service, a harness.Account) string {
			s.Must("", harness.RequestReset, harness.Input("email", a.Email))
			return parkAll(s, "reset_password")
		}, ""},
		"a code for a new address": {func(s *harness.Service, a harness.Account) string {
			s.Must(a.Token, harness.ChangeEmail, harness.Input("newEmail", a.Email+".net"))
			return parkAll(s, "change_email")
		}, ""},
		"a deletion": {func(s *harness.Service, a harness.Account) string {
			s.Must(a.Token, harness.DeleteAccount, harness.Input("password", harness.Password))
			return parkAll(s, "account_deleted")
		}, ""},
		"a notice to an address that the account has left": {func(s *harness.Service, a harness.Account) string {
			id := park(s, a, "password_changed")
			s.DB.Query(s.T, `UPDATE app.user_private SET email = 'y@example.org', email_key = 'y@example.org' WHERE user_id = $1`, a.UserID)
			return id
		}, "is addressed to nobody: its account has another address now"},
		"a request for an address without an account": {func(s *harness.Service, _ harness.Account) string {
			s.Must("", harness.RequestReset, harness.Input("email", "nobody@example.org"))
			return parkAll(s, "reset_password")
		}, "addressed to nobody"},
		"a code that another one has replaced": {func(s *harness.Service, a harness.Account) string {
			s.Must("", harness.RequestReset, harness.Input("email", a.Email))
			id := parkAll(s, "reset_password")
			s.Must("", harness.RequestReset, harness.Input("email", a.Email))
			return id
		}, "is addressed to nobody: its code was used, replaced or deleted"},
		"a code of a deleted account": {func(s *harness.Service, a harness.Account) string {
			s.Must("", harness.RequestReset, harness.Input("email", a.Email))
			id := parkAll(s, "reset_password")
			s.Must(a.Token, harness.DeleteAccount, harness.Input("password", harness.Password))
			return id
		}, "is addressed to nobody: its code was used, replaced or deleted"},
		"a notice of a deleted account": {func(s *harness.Service, a harness.Account) string {
			id := park(s, a, "password_changed")
			s.Must(a.Token, harness.DeleteAccount, harness.Input("password", harness.Password))
			return id
		}, "unknown, or sent already"},
		"an expired one": {func(s *harness.Service, a harness.Account) string {
			id := park(s, a, "password_changed")
			s.DB.Query(s.T, `UPDATE app.outbox SET expires_at = now() WHERE id = $1`, id)
			return id
		}, "has expired"},
		"one that waits": {func(s *harness.Service, a harness.Account) string {
			id := park(s, a, "password_changed")
			s.DB.Query(s.T, `UPDATE app.outbox SET parked_at = NULL, next_attempt_at = now() + interval '1 hour' WHERE id = $1`, id)
			return id
		}, "waits: a worker sends it without your help"},
		"one that was sent": {func(s *harness.Service, a harness.Account) string {
			id := park(s, a, "password_changed")
			s.DB.Query(s.T, `UPDATE app.outbox SET parked_at = NULL, sent_at = now() WHERE id = $1`, id)
			return id
		}, "unknown, or sent already"},
		"an unknown one": {func(*harness.Service, harness.Account) string { return "11111111-1111-4111-8111-111111111111" }, "unknown, or sent already"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, admin := start(t, harness.BothLayers)
			a := s.SignUp(nil)
			good := park(s, s.SignUp(nil), "password_changed")
			id := c.mail(s, a)
			state := func(id string) string {
				return strings.Join(s.DB.Query(t, `SELECT concat_ws(' ', parked_at IS NULL, attempts) FROM app.outbox WHERE id = $1`, id), "")
			}
			before := s.DB.Query(t, `SELECT to_jsonb(o) FROM app.outbox o ORDER BY id`)
			if c.want == "" {
				if got := admin("mails", "retry", id, good); got != "2 mails will be sent again\n" || state(id) != "t 0" || state(good) != "t 0" {
					t.Errorf("%s; it is %q", got, state(id))
				}
				return
			}
			output, ok := freehold(s, nil, "admin", "mails", "retry", good, id)
			if ok || !strings.Contains(output, "mail "+id) || !strings.Contains(output, c.want) {
				t.Errorf("%v %s; want %s", ok, output, c.want)
			}
			if after := s.DB.Query(t, `SELECT to_jsonb(o) FROM app.outbox o ORDER BY id`); !slices.Equal(before, after) {
				t.Errorf("the refusal changed\n%v to\n%v", before, after)
			}
			was := state(id)
			if admin("mails", "retry", "--all"); state(id) != was || state(good) != "t 0" {
				t.Errorf("with --all, it is %q, and the other one %q", state(id), state(good))
			}
		})
	}
}

// Mails that are retried while a service works, by several people at once, arrive once.
func TestRetriedMailsArriveOnce(t *testing.T) {
	t.Parallel()
	s, admin := start(t, harness.BothLayers)
	s.Work()
	a := s.SignUp(nil)
	var ids []string
	for range 5 {
		ids = append(ids, park(s, a, "password_changed"))
	}
	var people sync.WaitGroup
	for range 4 {
		people.Go(func() { admin("mails", "retry", "--all") })
	}
	people.Wait()
	s.MailTo(a.Email, "password_changed", len(ids))
	s.AwaitOutbox()
	if n := len(s.Mailbox(0)); n != len(ids) {
		t.Errorf("%d mails arrived", n)
	}
	retried := slices.DeleteFunc(kinds(s, a.Token), func(kind string) bool { return kind != "MAIL_RETRIED" })
	if len(retried) != len(ids) {
		t.Errorf("%d events", len(retried))
	}
}

// The list has what an operator may know: no whole address, no code, no text; and nothing about mails that are addressed to nobody.
func TestListedMails(t *testing.T) {
	t.Parallel()
	s, admin := start(t, harness.BothLayers)
	a := s.SignUpAs("listed-ann", nil)
	s.Must("", harness.RequestReset, harness.Input("email", "nobody@example.org"))
	s.Must(a.Token, harness.ChangeEmail, harness.Input("newEmail", "secret-place@example.net"))
	parked, decoy := park(s, a, "password_changed"), s.DB.Query(t, `SELECT id FROM app.outbox WHERE recipient = 'nobody@example.org'`)[0]
	for _, c := range []struct {
		args []string
		has  string
		not  string
	}{
		{nil, "password_changed change_email listed-ann l…@example.org s…@example.net 550 " + parked, "more"},
		{[]string{"--state=parked"}, "password_changed", "change_email"},
		{[]string{"--state=waiting"}, "change_email", "password_changed"},
		{[]string{"--first=1"}, "There are more. Use --first.", parked},
	} {
		got := admin(append([]string{"mails"}, c.args...)...)
		for _, want := range strings.Fields(c.has) {
			if !strings.Contains(got, want) {
				t.Errorf("mails %v: %s is missing in\n%s", c.args, want, got)
			}
		}
		for _, never := range []string{c.not, decoy, "nobody", "secret-place", a.Email} {
			if strings.Contains(got, never) {
				t.Errorf("mails %v: %s is in\n%s", c.args, never, got)
			}
		}
	}
	for args, want := range map[string]string{
		"mails --state=sent": "want waiting or parked", "mails --first=0": "--first: want 1 to 100", "mails retry": "usage:", "mails drop": "usage:",
		"mails retry x": `"x" is not the id of a mail`, "mails retry --all " + parked: "usage:", "mails drop " + decoy: "addressed to nobody", "mails keep " + parked: "usage:",
	} {
		if output, ok := freehold(s, nil, append([]string{"admin"}, strings.Fields(args)...)...); ok || !strings.Contains(output, want) {
			t.Errorf("%s: %v %s; want %s", args, ok, output, want)
		}
	}
	waiting := s.DB.Query(t, `SELECT id FROM app.outbox WHERE kind = 'change_email'`)[0]
	if got := admin("mails", "drop", parked, waiting); got != "2 mails are deleted\n" || s.Count("outbox") != "1" {
		t.Errorf("drop: %s, %s mails are left", got, s.Count("outbox"))
	}
	if got := fmt.Sprint(kinds(s, a.Token)[:2]); got != "[MAIL_DROPPED MAIL_DROPPED]" {
		t.Errorf("the newest events are %s", got)
	}
}
