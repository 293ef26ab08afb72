package db_test

var mailOutcomes = map[string][]outcome{
	"enqueue_mail": {
		{
			name: "a mail", call: `SELECT app.enqueue_mail($new, 'x', NULL, 'x@example.org', NULL, '{}', 60, 5, false)`, then: newMail,
			nobody: `void, writes outbox, then true true false null`,
		},
		{
			name: "a mail that never expires", call: `SELECT app.enqueue_mail($new, 'x', NULL, 'x@example.org', NULL, '{}', NULL, 0, false)`, then: newMail,
			nobody: `void, writes outbox, then null false false null`,
		},
		{
			name: "a mail that is withheld", call: `SELECT app.enqueue_mail($new, 'x', NULL, 'x@example.org', NULL, '{}', 60, 5, true)`, then: newMail,
			nobody: `void, writes outbox, then true true true withheld`,
		},
		{
			name: "a mail with a code that never expires", call: `SELECT app.enqueue_mail($new, 'x', NULL, 'x@example.org', $reset_code, '{}', NULL, 0, false)`,
			nobody: `23514 new row for relation "outbox" violates check constraint "outbox_code_expires"`,
		},
	},
	"claim_mails": {
		{
			name: "a mail that is due", call: `SELECT id = $mail, kind, recipient, has_code, data, attempt FROM app.claim_mails(10, 60)`,
			nobody: `true reset_password Ann@example.org true {} 1, writes outbox`,
		},
		{name: "a mail that is claimed", setup: `UPDATE app.outbox SET next_attempt_at = now() + interval '1 minute'`, call: `SELECT id FROM app.claim_mails(10, 60)`, nobody: `no row`},
		{name: "a mail that was sent", setup: `UPDATE app.outbox SET sent_at = now()`, call: `SELECT id FROM app.claim_mails(10, 60)`, nobody: `no row`},
		{name: "a mail that was given up", setup: `UPDATE app.outbox SET parked_at = now()`, call: `SELECT id FROM app.claim_mails(10, 60)`, nobody: `no row`},
		{name: "no further mail", call: `SELECT id FROM app.claim_mails(0, 60)`, nobody: `no row`},
	},
	"settle_mail": {
		{name: "sent", call: `SELECT app.settle_mail($mail, 0, 'sent', 0, NULL)`, then: settled, nobody: `true, writes outbox, then true false false`},
		{name: "failed", call: `SELECT app.settle_mail($mail, 0, 'failed', 60, 'x')`, then: settled, nobody: `true, writes outbox, then false false true`},
		{name: "parked", call: `SELECT app.settle_mail($mail, 0, 'parked', 0, 'x')`, then: settled, nobody: `true, writes outbox, then false true false`},
		{name: "another outcome", call: `SELECT app.settle_mail($mail, 0, 'x', 0, NULL)`, nobody: `P0001 a mail cannot be settled as x`},
		{name: "an unknown mail", call: `SELECT app.settle_mail($new, 0, 'sent', 0, NULL)`, nobody: `false`},
		{name: "a mail that was sent", setup: `UPDATE app.outbox SET sent_at = now()`, call: `SELECT app.settle_mail($mail, 0, 'sent', 0, NULL)`, nobody: `false`},
		{name: "a mail that another worker has claimed", setup: `UPDATE app.outbox SET attempts = 2`, call: `SELECT app.settle_mail($mail, 1, 'failed', 0, NULL)`, nobody: `false`},
		{name: "a mail that another worker has claimed, sent", setup: `UPDATE app.outbox SET attempts = 2`, call: `SELECT app.settle_mail($mail, 1, 'sent', 0, NULL)`, nobody: `true, writes outbox`},
		{name: "a mail that was given up", setup: `UPDATE app.outbox SET parked_at = now()`, call: `SELECT app.settle_mail($mail, 0, 'failed', 0, NULL)`, nobody: `false`},
	},
	"outbox_state": {
		{name: "one waits", setup: `UPDATE app.outbox SET created_at = now() - interval '1 minute'`, call: `SELECT * FROM app.outbox_state()`, nobody: `1 60 0`},
		{name: "none waits", setup: `UPDATE app.outbox SET sent_at = now()`, call: `SELECT * FROM app.outbox_state()`, nobody: `0 0 0`},
		{name: "a mail that was given up", setup: `UPDATE app.outbox SET parked_at = now(), last_error = 'x'`, call: `SELECT * FROM app.outbox_state()`, nobody: `0 0 1`},
		{name: "a mail that was given up by one worker and sent by another", setup: `UPDATE app.outbox SET parked_at = now(), sent_at = now()`, call: `SELECT * FROM app.outbox_state()`, nobody: `0 0 0`},
		{name: "a mail that is withheld", setup: `UPDATE app.outbox SET parked_at = now(), last_error = 'withheld'`, call: `SELECT * FROM app.outbox_state()`, nobody: `0 0 0`},
	},
	"purge": {
		{name: "old mails", setup: `UPDATE app.outbox SET created_at = now() - interval '1 minute'`, call: `SELECT app.purge('outbox', 10, 59)`, nobody: `1, writes outbox`},
		{name: "young mails", setup: `UPDATE app.outbox SET created_at = now() - interval '1 minute'`, call: `SELECT app.purge('outbox', 10, 61)`, nobody: `0`},
		{name: "mails without a time", call: `SELECT app.purge('outbox', 10, NULL)`, nobody: `1, writes outbox`},
		{name: "codes", setup: `UPDATE app.codes SET expires_at = now() - interval '1 minute' WHERE user_id = $ann`, call: `SELECT app.purge('codes', 10, 59)`, nobody: `3, writes codes`},
		{name: "no more than the limit", setup: `UPDATE app.codes SET expires_at = now() - interval '1 minute' WHERE user_id = $ann`, call: `SELECT app.purge('codes', 2, 59)`, nobody: `2, writes codes`},
		{name: "live codes", call: `SELECT app.purge('codes', 10, -1e9)`, nobody: `0`},
		{name: "held usernames", setup: `UPDATE app.held_usernames SET held_until = now() - interval '1 minute'`, call: `SELECT app.purge('held_usernames', 10, 59)`, nobody: `1, writes held_usernames`},
		{name: "live holds", call: `SELECT app.purge('held_usernames', 10, -1e9)`, nobody: `0`},
		{name: "rate limits", setup: `UPDATE app.rate_limits SET ends_at = now() - interval '1 minute'`, call: `SELECT app.purge('rate_limits', 10, 59)`, nobody: `1, writes rate_limits`},
		{name: "windows that go on", call: `SELECT app.purge('rate_limits', 10, -1e9)`, nobody: `0`},
		{name: "security events", call: `SELECT app.purge('security_events', 10, 0)`, nobody: `1, writes security_events`},
		{name: "sessions", setup: `UPDATE app.sessions SET expires_at = now() - interval '1 minute' WHERE id = $ann_session2`, call: `SELECT app.purge('sessions', 10, 59)`, nobody: `1, writes sessions`},
		{name: "live sessions", call: `SELECT app.purge('sessions', 10, -1e9)`, nobody: `0`},
		{name: "keys of sign-ups", call: `SELECT app.purge('sign_up_keys', 10, 0)`, nobody: `1, writes sign_up_keys`},
		{
			name: "sign-ups that were not verified in time", setup: `UPDATE app.user_private SET pending_until = now() - interval '1 minute' WHERE user_id = $pending`,
			call: `SELECT app.purge('users', 10, 59)`, nobody: `1, writes accounts profiles user_private users`,
		},
		{name: "sign-ups that wait, and accounts", call: `SELECT app.purge('users', 10, -1e9)`, nobody: `0`},
		{name: "a table that is not listed", call: `SELECT app.purge('profiles', 10, 0)`, nobody: `22023 table profiles is not purged`},
		{name: "no table", call: `SELECT app.purge(NULL, 10, 0)`, nobody: `22023 table <NULL> is not purged`},
	},
	"purge_excess_events": {
		{name: "too many", call: `SELECT app.purge_excess_events(10, 0)`, nobody: `1, writes security_events`},
		{name: "not too many", call: `SELECT app.purge_excess_events(10, 1)`, nobody: `0`},
		{name: "of no account", setup: `INSERT INTO app.security_events (kind) VALUES ('x'), ('x'), ('x')`, call: `SELECT app.purge_excess_events(10, 1)`, nobody: `2, writes security_events`},
		{name: "no more than the limit", setup: `INSERT INTO app.security_events (kind) VALUES ('x'), ('x'), ('x')`, call: `SELECT app.purge_excess_events(1, 1)`, nobody: `1, writes security_events`},
	},
}

const (
	newMail = `SELECT expires_at = created_at + interval '60 seconds', next_attempt_at = created_at + interval '5 seconds', parked_at IS NOT NULL, last_error FROM app.outbox WHERE id = $new`
	settled = `SELECT sent_at IS NOT NULL, parked_at IS NOT NULL, next_attempt_at > now() + interval '50 seconds' FROM app.outbox`
)
