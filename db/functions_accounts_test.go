package db_test

import "fmt"

var accountOutcomes = map[string][]outcome{
	"find_taken": {
		{name: "an account has both", call: `SELECT app.find_taken('ann@example.org', 'ann')`, nobody: `(t,t)`},
		{name: "nobody has either", call: `SELECT app.find_taken('x@example.org', 'x')`, nobody: `(f,f)`},
		{name: "a sign-up waits with both", call: `SELECT app.find_taken('p@example.org', 'pending')`, nobody: `(f,t)`},
		{
			name: "an overdue sign-up has both", setup: `UPDATE app.user_private SET pending_until = now() WHERE user_id = $pending`,
			call: `SELECT app.find_taken('p@example.org', 'pending')`, nobody: `(f,f)`,
		},
		{name: "the username is held", call: `SELECT app.find_taken('', 'held')`, nobody: `(f,t)`, owner: `(f,f)`},
	},
	"sign_up": {
		{
			name: "a new account", call: `SELECT app.sign_up($new, 'x@example.org', 'x@example.org', 'x', 'x', $new, 'x', 60, 60, NULL, NULL, NULL, '{pwd}', false, false, false)`,
			nobody: `void, writes accounts credentials security_events sessions user_private users`,
		},
		{
			name: "with a key", call: `SELECT app.sign_up($new, 'x@example.org', 'x@example.org', 'x', 'x', $new, 'x', 60, 60, NULL, 'x', 'x', '{pwd}', false, false, false)`,
			nobody: `void, writes accounts credentials security_events sessions sign_up_keys user_private users`,
		},
		{
			name: "with a key that was used", call: `SELECT app.sign_up($new, 'x@example.org', 'x@example.org', 'x', 'x', $new, 'x', 60, 60, NULL, 'key', 'x', '{pwd}', false, false, false)`,
			nobody: `23505 duplicate key value violates unique constraint "sign_up_keys_pkey"`,
		},
		{
			name: "a taken address", call: `SELECT app.sign_up($new, 'x@example.org', 'ann@example.org', 'x', 'x', $new, 'x', 60, 60, NULL, NULL, NULL, '{pwd}', false, false, false)`,
			nobody: `23505 duplicate key value violates unique constraint "user_private_email_key"`,
		},
		{
			name: "a taken address that must be verified", call: `SELECT app.sign_up($new, 'x@example.org', 'ann@example.org', 'x', 'x', $new, 'x', 60, 60, 60, NULL, NULL, '{pwd}', false, false, false)`,
			nobody: `void, writes accounts credentials security_events sessions user_private users`,
		},
		{
			name: "the username of an overdue sign-up", setup: `UPDATE app.user_private SET pending_until = now() WHERE user_id = $pending`,
			call:   `SELECT app.sign_up($new, 'x@example.org', 'x@example.org', 'pending', 'x', $new, 'x', 60, 60, NULL, NULL, NULL, '{pwd}', false, false, false)`,
			nobody: `void, writes accounts credentials profiles security_events sessions user_private users`,
		},
	},
	"find_salt": {
		{name: "an account", call: `SELECT salt FROM app.find_salt('ann@example.org')`, nobody: `$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$`},
		{name: "an account without a password", call: `SELECT salt FROM app.find_salt('bob@example.org')`, nobody: `''`},
		{name: "a sign-up that waits", call: `SELECT salt FROM app.find_salt('p@example.org')`, nobody: `no row`},
		{name: "an unknown address", call: `SELECT salt FROM app.find_salt('x@example.org')`, nobody: `no row`},
		{name: "a disabled account", setup: disabled, call: `SELECT salt FROM app.find_salt('ann@example.org')`, nobody: `no row`},
	},
	"prove_password": {
		{name: "another hash", call: `SELECT * FROM app.prove_password('ann@example.org', $guess)`, nobody: `no row, writes security_events`},
		{name: "no password", call: `SELECT * FROM app.prove_password('bob@example.org', '')`, nobody: `no row, writes security_events`},
		{name: "a sign-up that waits", call: `SELECT * FROM app.prove_password('p@example.org', $hash)`, nobody: `no row, writes security_events`},
		{name: "an unknown address", call: `SELECT * FROM app.prove_password('x@example.org', $guess)`, nobody: `no row, writes security_events`},
		{name: "a disabled account", setup: disabled, call: `SELECT * FROM app.prove_password('ann@example.org', $hash)`, nobody: `no row, writes security_events`},
		{name: "the hash", call: `SELECT user_id = $ann, credential_id = $ann_password FROM app.prove_password('ann@example.org', $hash)`, nobody: `true true`},
	},
	"enter_account": {
		{name: "an account", call: enterAccount(`$ann`, false, false), then: howEntered, nobody: `started, writes credentials security_events sessions, then {pwd} null true`},
		{name: "with two factors", call: enterAccount(`$ann`, true, false), then: howEntered, nobody: `started, writes credentials security_events sessions, then {pwd} true true`},
		{name: "an address that is not verified", call: enterAccount(`$ann`, false, true), nobody: `refused, writes security_events`},
		{name: "a verified address", setup: verified, call: enterAccount(`$ann`, false, true), nobody: `started, writes credentials security_events sessions`},
		{name: "no address", setup: `UPDATE app.user_private SET email = NULL, email_key = NULL WHERE user_id = $ann`, call: enterAccount(`$ann`, false, true), nobody: `started, writes credentials security_events sessions`},
		{name: "a second factor", setup: secondFactor, call: enterAccount(`$ann`, false, false), nobody: `second_factor`},
		{name: "a second factor, proved", setup: secondFactor, call: enterAccount(`$ann`, true, false), nobody: `started, writes credentials security_events sessions`},
		{name: "a disabled account", setup: disabled, call: enterAccount(`$ann`, true, false), nobody: `refused, writes security_events`},
		{name: "a sign-up that waits", call: enterAccount(`$pending`, true, false), nobody: `refused, writes security_events`},
		{name: "a deleted account", call: enterAccount(`$new`, true, false), nobody: `refused`},
	},
	"find_sign_up": {
		{name: "a key that was used", call: `SELECT salt FROM app.find_sign_up('key')`, nobody: `$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$`},
		{name: "another key", call: `SELECT salt FROM app.find_sign_up('x')`, nobody: `no row`},
		{name: "a disabled account", setup: disabled, call: `SELECT salt FROM app.find_sign_up('key')`, nobody: `no row`},
		{name: "a sign-up that waits", setup: pendingKey, call: `SELECT salt FROM app.find_sign_up('pending')`, nobody: `$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$`},
		{name: "an overdue sign-up", setup: pendingKey + `; UPDATE app.user_private SET pending_until = now() WHERE user_id = $pending`, call: `SELECT salt FROM app.find_sign_up('pending')`, nobody: `no row`},
	},
	"prove_sign_up": {
		{name: "another hash", call: `SELECT * FROM app.prove_sign_up('key', 'ann@example.org', $guess)`, nobody: `no row, writes security_events`},
		{name: "another address", call: `SELECT * FROM app.prove_sign_up('key', 'bob@example.org', $hash)`, nobody: `no row, writes security_events`},
		{name: "another key", call: `SELECT * FROM app.prove_sign_up('x', 'ann@example.org', $hash)`, nobody: `no row, writes security_events`},
		{name: "a disabled account", setup: disabled, call: `SELECT * FROM app.prove_sign_up('key', 'ann@example.org', $hash)`, nobody: `no row, writes security_events`},
		{name: "no password", setup: `UPDATE app.accounts SET password_hash = '' WHERE user_id = $ann`, call: `SELECT * FROM app.prove_sign_up('key', 'ann@example.org', '')`, nobody: `no row, writes security_events`},
		{name: "an account", call: `SELECT * FROM app.prove_sign_up('key', 'ann@example.org', $hash)`, nobody: `false false fingerprint`},
		{name: "an account with a verified address", setup: verified, call: `SELECT * FROM app.prove_sign_up('key', 'ann@example.org', $hash)`, nobody: `false true fingerprint`},
		{name: "a sign-up that waits", setup: pendingKey, call: `SELECT * FROM app.prove_sign_up('pending', 'p@example.org', $hash)`, nobody: `true false fingerprint`},
	},
	"is_known_client": {
		{name: "a session from there", call: `SELECT app.is_known_client('ann@example.org', '10.0.0.0/24')`, nobody: `true`},
		{name: "no session from there", call: `SELECT app.is_known_client('ann@example.org', '10.0.1.0/24')`, nobody: `false`},
		{name: "no block", call: `SELECT app.is_known_client('ann@example.org', '')`, nobody: `false`},
		{name: "an unknown address", call: `SELECT app.is_known_client('x@example.org', '10.0.0.0/24')`, nobody: `false`},
		{name: "a revoked session", setup: revoked, call: `SELECT app.is_known_client('ann@example.org', '10.0.0.0/24')`, nobody: `false`},
		{name: "a session that was signed out", setup: revoked + `; UPDATE app.sessions SET signed_out = true WHERE id = $ann_session`, call: `SELECT app.is_known_client('ann@example.org', '10.0.0.0/24')`, nobody: `true`},
		{
			name: "a session from before the account was taken over", setup: `UPDATE app.accounts SET reset_at = now() + interval '1 second', reset_ip = '10.0.2.1' WHERE user_id = $ann`,
			call: `SELECT app.is_known_client('ann@example.org', '10.0.0.0/24')`, nobody: `false`,
		},
		{
			name: "the client that took the account over", setup: `UPDATE app.accounts SET reset_at = now() + interval '1 second', reset_ip = '10.0.2.1' WHERE user_id = $ann`,
			call: `SELECT app.is_known_client('ann@example.org', '10.0.2.0/24')`, nobody: `true`,
		},
		{
			name: "a sign-up that waits", setup: `UPDATE app.user_private SET pending_until = now() + interval '1 hour' WHERE user_id = $ann`,
			call: `SELECT app.is_known_client('ann@example.org', '10.0.0.0/24')`, nobody: `false`,
		},
	},
	"is_email_verified": {
		{name: "not verified", call: `SELECT app.is_email_verified('ann@example.org')`, nobody: `false`},
		{name: "verified", call: `SELECT app.is_email_verified('bob@example.org')`, nobody: `true`},
		{name: "unknown", call: `SELECT app.is_email_verified('x@example.org')`, nobody: `false`},
	},
	"is_held": {
		{name: "for a user", call: `SELECT app.is_held('held')`, nobody: `true`, owner: `false`},
		{name: "for nobody", setup: `UPDATE app.held_usernames SET user_id = NULL`, call: `SELECT app.is_held('held')`, nobody: `true`},
		{name: "no longer", setup: `UPDATE app.held_usernames SET held_until = now()`, call: `SELECT app.is_held('held')`, nobody: `false`},
		{name: "not at all", call: `SELECT app.is_held('x')`, nobody: `false`},
	},
	"count_attempt": {
		{name: "one bucket is closed", setup: `UPDATE app.rate_limits SET ends_at = now() + interval '1 hour'`, call: `SELECT full_bucket, closed_seconds BETWEEN 3000 AND 3600, full_seconds FROM app.count_attempt('{new,bucket}', '{3,3}', '{60,60}')`, nobody: `bucket true 0, writes rate_limits`},
		{name: "counted in new buckets", call: `SELECT * FROM app.count_attempt('{new,newer}', '{3,3}', '{60,60}')`, nobody: `null 0 0, writes rate_limits`},
		{name: "counted as the last", call: `SELECT * FROM app.count_attempt('{new}', '{1}', '{60}')`, nobody: `null 0 60, writes rate_limits`},
		{name: "counted in a window that continues", call: `SELECT * FROM app.count_attempt('{bucket}', '{5}', '{60}')`, nobody: `null 0 0, writes rate_limits`},
		{
			name: "counted in a new window", setup: `UPDATE app.rate_limits SET ends_at = now()`, call: `SELECT * FROM app.count_attempt('{bucket}', '{1}', '{60}')`,
			nobody: `null 0 60, writes rate_limits`,
		},
	},
	"has_hits": {
		{name: "a new bucket", call: `SELECT app.has_hits('new')`, nobody: `false`},
		{name: "a bucket with hits", call: `SELECT app.has_hits('bucket')`, nobody: `true`},
		{name: "a bucket without hits", setup: `UPDATE app.rate_limits SET hits = 0`, call: `SELECT app.has_hits('bucket')`, nobody: `false`},
		{name: "a window that has ended", setup: `UPDATE app.rate_limits SET ends_at = now()`, call: `SELECT app.has_hits('bucket')`, nobody: `false`},
	},
	"clear_hits": {
		{name: "a bucket", call: `SELECT app.clear_hits('bucket')`, nobody: `void, writes rate_limits`},
		{name: "a new bucket", call: `SELECT app.clear_hits('new')`, nobody: `void`},
	},
}

const (
	disabled   = `UPDATE app.accounts SET disabled_at = now() WHERE user_id = $ann`
	verified   = `UPDATE app.user_private SET email_verified_at = now() WHERE user_id = $ann`
	revoked    = `UPDATE app.sessions SET revoked_at = now() WHERE id = $ann_session`
	pendingKey = `INSERT INTO app.sign_up_keys (key_hash, user_id, fingerprint) VALUES ('pending', $pending, 'fingerprint')`
)

// howEntered has the ways of the new session, and whether two factors and the credential were noted.
const howEntered = `SELECT s.amr, s.second_factor_at IS NOT NULL OR NULL, s.credential_id = $ann_password FROM app.sessions s WHERE s.id = $new`

// secondFactor gives ann a second factor.
const secondFactor = `INSERT INTO app.credentials (id, user_id, kind, name) VALUES ($totp, $ann, 'TOTP', 'Phone'); INSERT INTO app.recovery_codes (user_id, code_hash) VALUES ($ann, 'code')`

func enterAccount(user string, strong, verifiedOnly bool) string {
	return fmt.Sprintf(`SELECT app.enter_account(%s, $ann_password, $new, 'x', 60, 60, '{pwd}', %t, %t)`, user, strong, verifiedOnly)
}
