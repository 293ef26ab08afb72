package accounts

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/auth/keys"
	"freehold.dev/freehold/db"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/internal/eventually"
	"freehold.dev/freehold/mail/outbox"
)

// enqueue adds mails to the outbox, as a use case does.
func enqueue(t *testing.T, d dbtest.Database, mails ...outbox.Mail) {
	t.Helper()
	pool, err := db.Open(db.Options{URL: d.App})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	err = pool.AsSystem(t.Context(), func(ctx context.Context, tx *db.SystemTx) error {
		for _, m := range mails {
			if err := tx.EnqueueMail(ctx, m); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A queued mail is sent, and in development you read it at /dev/mail. Its code is only in the mail.
func TestMailboxOfDevelopment(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	dir := t.TempDir()
	s := harness.StartWith(t, d, harness.BothLayers, app.Options{}, "FREEHOLD_DATA_DIR="+dir).Work()
	set, err := keys.Load(dir+"/signing-key.pem", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	secrets := auth.NewSecrets(set)
	if r := s.Fetch("/dev/mail"); !strings.Contains(r.Body, "No mail yet") {
		t.Errorf("an empty mailbox: %s", r.Body)
	}
	seed, id := secrets.NewCode("RESET_PASSWORD", "ann@example.org")
	enqueue(t, d, outbox.Mail{ID: seed, Kind: "reset_password", Recipient: "ann@example.org", CodeID: id, ValidFor: time.Hour, Data: map[string]string{"username": "ann<b>"}})
	list := s.Mailbox(1)
	if len(list) != 1 || list[0].Kind != "reset_password" || list[0].To != "ann@example.org" {
		t.Fatalf("the mailbox has %+v", list)
	}
	m := list[0]
	code := regexp.MustCompile(`[0-9A-Z]{4}-[0-9A-Z]{4}`).FindString(m.Text)
	if code != secrets.Code(seed) || !strings.Contains(m.HTML, code) || strings.Contains(m.HTML, "ann<b>") {
		t.Errorf("the mail is %+v", m)
	}
	for what, text := range map[string]string{"the database": strings.Join(s.AllRows(), "\n"), "the log": s.Logs.String()} {
		if strings.Contains(text, code) || strings.Contains(text, strings.ReplaceAll(code, "-", "")) {
			t.Errorf("%s holds the code", what)
		}
	}
	if strings.Contains(s.Logs.String(), "ann@example.org") {
		t.Error("the log holds the address")
	}
	if r := s.Fetch("/dev/mail"); r.Status != 200 || !strings.Contains(r.Body, m.Subject) || !strings.Contains(r.Body, code) || !strings.Contains(r.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("the list: %d %v %s", r.Status, r.Header, r.Body)
	}
	if r := s.Fetch("/dev/mail/" + m.ID); r.Status != 200 || !strings.Contains(r.Body, code) || !strings.Contains(r.Body, "<iframe sandbox ") {
		t.Errorf("the mail: %d %s", r.Status, r.Body)
	}
	for _, id := range []string{"x", uuid.NewString()} {
		if r := s.Fetch("/dev/mail/" + id); r.Status != 404 {
			t.Errorf("a mail that is not there: %d", r.Status)
		}
	}
}

// The mailbox is for developers only. It is closed in production, if others can reach the server, and if mails are really
// sent.
func TestMailboxIsForDevelopment(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	for name, further := range map[string][]string{
		"production":         harness.Production(t, d),
		"with a mail server": {"FREEHOLD_SMTP_URL=smtp://127.0.0.1:1", "FREEHOLD_MAIL_FROM=no-reply@example.org"},
	} {
		s := harness.StartWith(t, d, harness.BothLayers, app.Options{}, further...)
		for _, path := range []string{"/dev/mail", "/dev/mail.json", "/dev/mail/" + uuid.NewString()} {
			if r := s.Fetch(path); r.Status != 404 || strings.Contains(r.Body, "Mail not found") {
				t.Errorf("%s, %s: %d %s", name, path, r.Status, r.Body)
			}
		}
	}
}

// Two instances share the outbox: one of them sends each mail, once. They give up a mail of an unknown kind, which blocks no
// other mail.
func TestInstancesShareTheOutbox(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	mails := []outbox.Mail{{Kind: "no such kind", Recipient: "x@example.org"}}
	for i := range 40 {
		mails = append(mails, outbox.Mail{Kind: "password_changed", Recipient: fmt.Sprintf("m%d@example.org", i), Data: map[string]string{"username": "m"}})
	}
	enqueue(t, d, mails...)
	one, two := harness.StartWith(t, d, harness.BothLayers, app.Options{}).Work(), harness.StartWith(t, d, harness.BothLayers, app.Options{}).Work()
	one.AwaitOutbox()
	one.Allowed, two.Allowed = []string{"no such kind"}, []string{"no such kind"} // either of them may give it up
	got := map[string]int{}
	for _, m := range append(one.Mailbox(0), two.Mailbox(0)...) {
		got[m.To]++
	}
	if len(got) != 40 {
		t.Errorf("%d recipients got a mail, want 40", len(got))
	}
	for to, n := range got {
		if n != 1 {
			t.Errorf("%s got %d mails", to, n)
		}
	}
	if parked := d.Query(t, `SELECT kind || ' ' || last_error FROM app.outbox WHERE parked_at IS NOT NULL`); len(parked) != 1 || parked[0] != "no such kind template" {
		t.Errorf("given up: %v", parked)
	}
}

// Several instances at once delete expired rows, beside requests. Other rows stay.
func TestExpiredRowsArePurged(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	s := harness.StartWith(t, d, harness.BothLayers, app.Options{}, "FREEHOLD_EVENT_RETENTION=24h")
	a := s.SignUp(nil)
	for _, statement := range []string{
		`INSERT INTO app.sessions (id, user_id, refresh_hash, idle_expires_at, expires_at)
		 SELECT gen_random_uuid(), id, 'x', now() - interval '30 days', now() - interval '30 days' FROM app.users, generate_series(1, 2500)`,
		`INSERT INTO app.rate_limits (bucket, hits, ends_at) SELECT 'old ' || n, 1, now() - interval '1 day' FROM generate_series(1, 2500) n`,
		`INSERT INTO app.rate_limits (bucket, hits, ends_at) VALUES ('new', 1, now() + interval '1 minute')`,
		`INSERT INTO app.security_events (user_id, kind, created_at) SELECT id, 'SIGNED_IN', now() - interval '2 days' FROM app.users, generate_series(1, 2500)`,
		`INSERT INTO app.outbox (id, kind, recipient, created_at, parked_at) VALUES (gen_random_uuid(), 'x', 'x', now() - interval '30 days', now())`,
		`INSERT INTO app.codes (id, purpose, email, email_key, user_id, expires_at)
		 SELECT gen_random_uuid(), 'VERIFY_EMAIL', 'x', 'x' || n, gen_random_uuid(), now() - interval '1 day' * (n - 1) FROM generate_series(1, 3) n`, // the first just ended
		`INSERT INTO app.held_usernames (username_key, held_until) SELECT 'x' || n, now() - interval '1 day' * (n - 2) FROM generate_series(1, 3) n`,
		`INSERT INTO app.sign_up_keys (key_hash, fingerprint, user_id, created_at) SELECT decode(n::text || '0', 'hex'), '', id, now() - interval '2 days' * n FROM app.users, generate_series(0, 2) n`,
		`INSERT INTO app.users SELECT gen_random_uuid() FROM generate_series(1, 1200)`,
		`INSERT INTO app.user_private (user_id, email, email_key, pending_until)
		 SELECT u.id, 'x', 'x', now() - interval '2 days' FROM app.users u LEFT JOIN app.user_private x ON x.user_id = u.id WHERE x.user_id IS NULL`,
	} {
		d.Query(t, statement)
	}
	var wg sync.WaitGroup
	for range 2 {
		other := harness.StartWith(t, d, harness.BothLayers, app.Options{}, "FREEHOLD_EVENT_RETENTION=24h")
		wg.Go(func() { other.Work() })
	}
	wg.Wait()
	const left = `SELECT (SELECT count(*) FROM app.sessions) || ' ' || (SELECT count(*) FROM app.rate_limits) || ' ' ||
		(SELECT count(*) FROM app.security_events) || ' ' || (SELECT count(*) FROM app.outbox) || ' ' || (SELECT count(*) FROM app.codes) || ' ' ||
		(SELECT count(*) FROM app.held_usernames) || ' ' || (SELECT count(*) FROM app.sign_up_keys) || ' ' || (SELECT count(*) FROM app.users)`
	const want = "1 1 1 0 1 2 1 1"
	eventually.True(t, 20*time.Second, "the sessions, rate limits, events, mails, codes, held usernames, keys and users that are left are "+want, func() bool {
		return d.Query(t, left)[0] == want
	})
	if r := s.Do(a.Token, `{ me { id } }`, nil); !strings.Contains(r.Body, a.UserID) {
		t.Errorf("a live session: %s", r.Body)
	}
}

// I04: of two addresses that look alike or differ in case, only the account's gets mails, in the account's spelling.
func TestMailGoesToTheStoredAddressOnly(t *testing.T) {
	t.Parallel()
	s := harness.Start(t).Work()
	s.Must("", harness.SignUpMutation, harness.Vars{"input": harness.Vars{"email": "Mike@Example.org", "password": harness.Password, "username": "mike"}})
	for _, email := range []string{"m\u0131ke@example.org", "mike@example.org.", "mike@ex\u0430mple.org", "mike@exam\u00adple.org"} {
		if r := s.Do("", harness.RequestReset, harness.Input("email", email)); r.Code() != "" && r.Code() != "BAD_USER_INPUT" {
			t.Errorf("%q: %s", email, r.Body)
		}
	}
	s.Must("", harness.RequestReset, harness.Input("email", "mIKE@eXAMPLE.ORG"))
	const stored = "Mike@example.org" // domains have no case
	s.CodeTo(stored, "reset_password", 1)
	for _, m := range s.Mailbox(0) {
		if m.To != stored {
			t.Errorf("a mail went to %q", m.To)
		}
	}
}
