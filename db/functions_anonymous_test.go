package db_test

var anonymousOutcomes = map[string][]outcome{
	"is_anonymous": {
		{name: "a permanent account", call: `SELECT app.is_anonymous($ann)`, nobody: `null`, owner: `false`},
		{name: "an anonymous one", setup: anonymous, call: `SELECT app.is_anonymous($ann)`, nobody: `null`, owner: `true`},
	},
	"has_room_for_anonymous": {
		{name: "no more", setup: anonymous, call: `SELECT app.has_room_for_anonymous(1)`, nobody: `false`},
		{name: "one more", setup: anonymous, call: `SELECT app.has_room_for_anonymous(2)`, nobody: `true`},
	},
	"admit_anonymous": {
		{
			name: "the last one", setup: anonymous, call: `SELECT app.admit_anonymous(1, 60)`, then: `SELECT idle_check_at <= now() + interval '1 minute' FROM app.accounts WHERE user_id = $ann`,
			nobody: `true, then false`, owner: `true, writes accounts, then true`,
		},
		{name: "one too many", setup: anonymous, call: `SELECT app.admit_anonymous(0, 60)`, nobody: `false`, owner: `false, writes accounts`},
	},
	"upgrade_account": {
		{name: "a permanent account", call: `SELECT app.upgrade_account('X@example.org', 'x@example.org', 'x')`, nobody: `false`},
		{
			name: "an anonymous one", setup: anonymous, call: `SELECT app.upgrade_account('X@example.org', 'x@example.org', 'x')`,
			then:   `SELECT u.email, c.password_hash, c.anonymous FROM app.user_private u JOIN app.accounts c ON c.user_id = u.user_id WHERE u.user_id = $ann`,
			nobody: `false, then null '' true`, owner: `true, writes accounts codes credentials security_events user_private, then X@example.org x false`,
		},
	},
	"request_upgrade": {
		{name: "a permanent account", call: `SELECT * FROM app.request_upgrade($new, 'X@example.org', 'x@example.org', 'x', 60)`, nobody: `no row`},
		{
			name: "an anonymous one", setup: anonymous, call: `SELECT * FROM app.request_upgrade($new, 'X@example.org', 'x@example.org', 'x', 60)`,
			then:   `SELECT k.purpose, k.user_id = $ann, k.data FROM app.codes k WHERE k.id = $new`,
			nobody: `no row, then no row`, owner: `null, writes codes, then CHANGE_EMAIL true {"password_hash": "x"}`,
		},
		{
			name: "an address that an account has", setup: anonymous, call: `SELECT * FROM app.request_upgrade($new, 'x', 'bob@example.org', 'x', 60)`,
			nobody: `no row`, owner: `bob@example.org, writes codes`,
		},
	},
	"claim_idle_account": {
		{name: "none is due", setup: anonymous, call: `SELECT app.claim_idle_account(60, $new, 'x')`, nobody: `null`},
		{
			name: "one that was used since", setup: anonymous + `; ` + due, call: `SELECT app.claim_idle_account(60, $new, 'x')`,
			then: `SELECT idle_check_at > now() FROM app.accounts WHERE user_id = $ann`, nobody: `null, writes accounts, then true`,
		},
		{
			name: "an idle one", setup: anonymous + `; ` + due + `; UPDATE app.sessions SET last_used_at = now() - interval '61 seconds'`, call: `SELECT app.claim_idle_account(60, $new, 'x') = $ann`,
			then: `SELECT user_id = $ann FROM app.sessions WHERE id = $new`, nobody: `true, writes sessions, then true`,
		},
		{
			name: "a disabled one", setup: anonymous + `; ` + due + `; UPDATE app.sessions SET last_used_at = now() - interval '61 seconds'; UPDATE app.accounts SET disabled_at = now()`,
			call: `SELECT app.claim_idle_account(60, $new, 'x')`, nobody: `null`,
		},
		{name: "a permanent one", setup: due + `; DELETE FROM app.sessions`, call: `SELECT app.claim_idle_account(60, $new, 'x')`, nobody: `null`},
	},
	"postpone_idle_account": {
		{name: "an anonymous one", setup: anonymous, call: `SELECT app.postpone_idle_account($ann, 60)`, nobody: `void, writes accounts`},
		{name: "a permanent one", call: `SELECT app.postpone_idle_account($ann, 60)`, nobody: `void`},
	},
}

const (
	anonymous = `UPDATE app.user_private SET email = NULL, email_key = NULL WHERE user_id = $ann; DELETE FROM app.credentials WHERE user_id = $ann;
		UPDATE app.accounts SET anonymous = true, password_hash = '', idle_check_at = now() + interval '1 hour' WHERE user_id = $ann`
	upgrade = `UPDATE app.codes SET data = '{"password_hash": "x"}' WHERE id = $change_code`
	due     = `UPDATE app.accounts SET idle_check_at = now()`
)
