package db_test

var codeOutcomes = map[string][]outcome{
	"request_code": {
		{name: "to reset a password", call: `SELECT * FROM app.request_code($new, 'RESET_PASSWORD', 'x', 'ann@example.org', 60)`, nobody: `Ann@example.org '' true, writes codes`},
		{name: "to reset a password, of a verified address", setup: verified, call: `SELECT * FROM app.request_code($new, 'RESET_PASSWORD', 'x', 'ann@example.org', 60)`, nobody: `Ann@example.org Ann true, writes codes`},
		{name: "to reset the password of a sign-up that waits", call: `SELECT * FROM app.request_code($new, 'RESET_PASSWORD', 'x', 'p@example.org', 60)`, nobody: `x '' false, writes codes`},
		{name: "an unknown address", call: `SELECT * FROM app.request_code($new, 'RESET_PASSWORD', 'x', 'x@example.org', 60)`, nobody: `x '' false, writes codes`},
		{name: "a disabled account", setup: disabled, call: `SELECT * FROM app.request_code($new, 'RESET_PASSWORD', 'x', 'ann@example.org', 60)`, nobody: `x '' false, writes codes`},
		{name: "to verify an address", call: `SELECT * FROM app.request_code($new, 'VERIFY_EMAIL', 'x', 'ann@example.org', 60)`, nobody: `Ann@example.org '' true, writes codes`},
		{name: "to verify a verified address", call: `SELECT * FROM app.request_code($new, 'VERIFY_EMAIL', 'x', 'bob@example.org', 60)`, nobody: `x '' false, writes codes`},
		{name: "to verify the address of a sign-up that waits", call: `SELECT * FROM app.request_code($new, 'VERIFY_EMAIL', 'x', 'p@example.org', 60)`, nobody: `p@example.org '' true, writes codes`},
		{name: "to verify the address of an overdue sign-up", setup: overdue, call: `SELECT * FROM app.request_code($new, 'VERIFY_EMAIL', 'x', 'p@example.org', 60)`, nobody: `x '' false, writes codes`},
		{name: "to verify the address of a sign-up that waits, which an account has", setup: pendingTaken, call: `SELECT * FROM app.request_code($new, 'VERIFY_EMAIL', 'x', 'p@example.org', 60)`, nobody: `x '' false, writes codes`},
		{name: "to change an address", call: `SELECT * FROM app.request_code($new, 'CHANGE_EMAIL', 'x', 'ann@example.org', 60)`, nobody: `x '' false, writes codes`},
		// The role can create a code with an id that it chose itself; see docs/security.md.
		{
			name: "a code that the caller then uses", call: `SELECT (app.request_code($new, 'RESET_PASSWORD', 'x', 'ann@example.org', 60)).is_known, app.reset_password($new, 'x')`,
			nobody: `true (Ann@example.org,Ann), writes accounts codes credentials security_events sessions user_private`,
		},
	},
	"find_code": {
		{name: "other ids", call: `SELECT * FROM app.find_code('RESET_PASSWORD', 'ann@example.org', ARRAY[$new, $mail, $verify_code])`, nobody: `no row`},
		{name: "another address", call: `SELECT * FROM app.find_code('RESET_PASSWORD', 'bob@example.org', ARRAY[$reset_code])`, nobody: `no row`},
		{name: "an expired code", setup: expired, call: `SELECT * FROM app.find_code('RESET_PASSWORD', 'ann@example.org', ARRAY[$reset_code])`, nobody: `no row`},
		{
			name: "the code", call: `SELECT user_id = $ann, email, username, display_name FROM app.find_code('RESET_PASSWORD', 'ann@example.org', ARRAY[$new, $reset_code])`,
			nobody: `true Ann@example.org Ann Ann A.`,
		},
	},
	"find_pending_salt": {
		{name: "a sign-up that waits", call: `SELECT app.find_pending_salt($p_code)`, nobody: `$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$`},
		{name: "an overdue sign-up", setup: overdue, call: `SELECT app.find_pending_salt($p_code)`, nobody: `no row`},
		{name: "an expired code", setup: expired, call: `SELECT app.find_pending_salt($p_code)`, nobody: `no row`},
		{name: "an account that does not wait", call: `SELECT app.find_pending_salt($verify_code)`, nobody: `no row`},
		{name: "a code of another purpose", call: `SELECT app.find_pending_salt($reset_code)`, nobody: `no row`},
	},
	"reset_password": {
		{name: "an unknown code", call: `SELECT * FROM app.reset_password($mail, 'x')`, nobody: `no row`},
		{name: "a code of another purpose", call: `SELECT * FROM app.reset_password($verify_code, 'x')`, nobody: `no row`},
		{name: "an expired code", setup: expired, call: `SELECT * FROM app.reset_password($reset_code, 'x')`, nobody: `no row`},
		{name: "a disabled account", setup: disabled, call: `SELECT * FROM app.reset_password($reset_code, 'x')`, nobody: `no row`},
		{name: "an address that has changed since", setup: moved, call: `SELECT * FROM app.reset_password($reset_code, 'x')`, nobody: `no row, writes codes`},
		{
			name: "the code", call: `SELECT * FROM app.reset_password($reset_code, 'x')`, then: `SELECT count(*) FROM app.sessions WHERE user_id = $ann AND revoked_at IS NULL`,
			nobody: `Ann@example.org Ann, writes accounts codes credentials security_events sessions user_private, then 0`,
		},
		{
			name: "a rival waits for the address", setup: `UPDATE app.user_private SET email_key = 'ann@example.org' WHERE user_id = $pending`,
			call: `SELECT * FROM app.reset_password($reset_code, 'x')`, then: `SELECT count(*) FROM app.codes WHERE user_id = $pending`,
			nobody: `Ann@example.org Ann, writes accounts codes credentials security_events sessions user_private, then 0`,
		},
	},
	"verify_email": {
		{name: "an unknown code", call: verify(`$mail, NULL`), nobody: `no row`},
		{name: "a code of another purpose", call: verify(`$reset_code, NULL`), nobody: `no row`},
		{name: "an expired code", setup: expired, call: verify(`$verify_code, NULL`), nobody: `no row`},
		{name: "a disabled account", setup: disabled, call: verify(`$verify_code, NULL`), nobody: `no row`},
		{name: "an address that has changed since", setup: moved, call: verify(`$verify_code, NULL`), nobody: `no row, writes codes`},
		{name: "an overdue sign-up", setup: overdue, call: verify(`$p_code, $hash`), nobody: `no row, writes codes`},
		{
			name: "an account", call: verify(`$verify_code, NULL`),
			nobody: `true true, writes accounts codes credentials security_events sessions user_private`, owner: `true false, writes codes credentials security_events user_private`,
		},
		{
			name: "an account, and its hash", call: verify(`$verify_code, $hash`),
			nobody: `true true, writes accounts codes credentials security_events sessions user_private`, owner: `true false, writes codes credentials security_events user_private`,
		},
		{
			name: "a sign-up that waits, and its hash", setup: `UPDATE app.user_private SET pending_visibility = 'MEMBERS' WHERE user_id = $pending`,
			call: verify(`$p_code, $hash`), then: `SELECT visibility FROM app.profiles WHERE user_id = $pending`,
			nobody: `false false, writes codes credentials profiles security_events sessions user_private, then MEMBERS`,
		},
		{
			name: "a sign-up that waits, and another hash", setup: `UPDATE app.user_private SET pending_visibility = 'MEMBERS' WHERE user_id = $pending`,
			call: verify(`$p_code, $guess`), nobody: `false true, writes accounts codes credentials profiles security_events sessions user_private`,
		},
		{
			name: "a sign-up that waits, and its passkey", setup: `UPDATE app.user_private SET pending_visibility = 'MEMBERS' WHERE user_id = $pending; ` + storedPasskey + `; UPDATE app.credentials SET user_id = $pending WHERE id = $totp`,
			call: verify(`$p_code, NULL`), then: `SELECT amr FROM app.sessions WHERE id = $new`,
			nobody: `false false, writes codes credentials profiles security_events sessions user_private, then {email,pop}`,
		},
		{
			name: "a sign-up that waits, and the passkey of another account", setup: `UPDATE app.user_private SET pending_visibility = 'MEMBERS' WHERE user_id = $pending; ` + storedPasskey,
			call: verify(`$p_code, NULL`), then: `SELECT amr FROM app.sessions WHERE id = $new`,
			nobody: `false true, writes accounts codes credentials profiles security_events sessions user_private, then {email}`,
		},
	},
	"request_email_change": {
		{name: "a free address", call: `SELECT app.request_email_change($new, 'x@example.org', 'x@example.org', 60)`, nobody: `FH003 the account was deleted`, other: `null, writes codes`},
		{
			name: "an address that an account has", call: `SELECT app.request_email_change($new, 'x', 'bob@example.org', 60)`,
			nobody: `FH003 the account was deleted`, other: `null, writes codes`, owner: `bob@example.org, writes codes`,
		},
		{name: "the address of a sign-up that waits", call: `SELECT app.request_email_change($new, 'x', 'p@example.org', 60)`, nobody: `FH003 the account was deleted`, other: `null, writes codes`},
		{ // see "a code that the caller then uses"
			name: "a code that the caller then uses", call: `SELECT app.request_email_change($new, 'x@example.org', 'x@example.org', 60), app.change_email($new)`,
			nobody: `FH003 the account was deleted`,
			other:  `null (bob@example.org,x@example.org,bob), writes codes security_events user_private`,
			owner:  `null (Ann@example.org,x@example.org,""), writes codes credentials security_events user_private`,
		},
	},
	"change_email": {
		{name: "a code of another purpose", call: `SELECT * FROM app.change_email($verify_code)`, nobody: `no row`},
		{name: "an expired code", setup: expired, call: `SELECT * FROM app.change_email($change_code)`, nobody: `no row`},
		{name: "the code", call: `SELECT * FROM app.change_email($change_code)`, nobody: `no row`, owner: `Ann@example.org ann@example.net '', writes codes credentials security_events user_private`},
		{
			name: "the code, of an account with a verified address", setup: verified, call: `SELECT * FROM app.change_email($change_code)`,
			nobody: `no row`, owner: `Ann@example.org ann@example.net Ann, writes codes security_events user_private`,
		},
		{
			name: "an address that an account has since", setup: `UPDATE app.user_private SET email_key = 'ann@example.net' WHERE user_id = $bob`,
			call: `SELECT * FROM app.change_email($change_code)`, nobody: `no row`, owner: `23505 duplicate key value violates unique constraint "user_private_email_key"`,
		},
		{
			name: "the code of an upgrade", setup: anonymous + `; ` + upgrade, call: `SELECT * FROM app.change_email($change_code)`,
			then:   `SELECT anonymous, password_hash FROM app.accounts WHERE user_id = $ann`,
			nobody: `no row, then true ''`, owner: `'' ann@example.net '', writes accounts codes credentials security_events user_private, then false x`,
		},
		{name: "the code of an upgrade, of a permanent account", setup: upgrade, call: `SELECT * FROM app.change_email($change_code)`, nobody: `no row`},
	},
	"suspend_until_verified": {
		{name: "an account that does not wait", call: `SELECT app.suspend_until_verified($new, 60, false)`, nobody: `P0002 query returned no rows`},
		{
			name: "a free address", setup: asPending, call: `SELECT app.suspend_until_verified($new, 60, false)`, then: waiting,
			nobody: `null, writes codes profiles user_private, then PRIVATE PUBLIC 1`,
		},
		{
			name: "a mail that is withheld", setup: asPending, call: `SELECT app.suspend_until_verified($new, 60, true)`, then: waiting,
			nobody: `null, writes codes profiles user_private, then PRIVATE PUBLIC 0`,
		},
		{
			name: "an address that an account has", setup: pendingTaken + `; ` + asPending, call: `SELECT app.suspend_until_verified($new, 60, false)`, then: waiting,
			nobody: `bob@example.org, writes codes profiles user_private, then PRIVATE PUBLIC 0`,
		},
		{
			name: "its session", setup: `UPDATE app.sessions SET user_id = $pending WHERE id = $bob_session; ` + asPending, call: `SELECT app.suspend_until_verified($new, 60, false)`,
			then: `SELECT count(*) FROM app.sessions WHERE user_id = $pending`, nobody: `null, writes codes profiles sessions user_private, then 0`,
		},
	},
}

const (
	moved        = `UPDATE app.user_private SET email_key = 'moved@example.org' WHERE user_id = $ann`
	pendingTaken = `UPDATE app.user_private SET email_key = 'p@example.org' WHERE user_id = $bob`
	asPending    = `SELECT set_config('app.viewer_id', $pending::text, true)`
	waiting      = `
		SELECT p.visibility, u.pending_visibility, (SELECT count(*) FROM app.codes k WHERE k.id = $new AND k.user_id = $pending)
		  FROM app.user_private u JOIN app.profiles p ON p.user_id = u.user_id WHERE u.user_id = $pending`
)

func verify(code string) string {
	return `SELECT user_id = $ann, password_cleared FROM app.verify_email(` + code + `, $new, 'x', 60, 60, $totp)`
}
