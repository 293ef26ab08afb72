package db_test

// ownOutcomes are the outcomes of the functions that read or change the viewer's own rows.
var ownOutcomes = map[string][]outcome{
	"pending_email": {
		{name: "a change that is not confirmed", call: `SELECT app.pending_email($ann)`, nobody: `null`, owner: `ann@example.net`},
		{name: "no change", setup: `DELETE FROM app.codes WHERE id = $change_code`, call: `SELECT app.pending_email($ann)`, nobody: `null`},
		{name: "a code that has expired", setup: expired, call: `SELECT app.pending_email($ann)`, nobody: `null`},
	},
	"has_scope": {
		{name: "a scope that was granted", setup: `SELECT set_config('app.scopes', 'notes:read notes:write', true)`, call: `SELECT app.has_scope('notes:write')`, nobody: `true`},
		{name: "a part of its name", setup: `SELECT set_config('app.scopes', 'notes:read notes:write', true)`, call: `SELECT app.has_scope('notes')`, nobody: `false`},
		{name: "no scopes", call: `SELECT app.has_scope('notes:read')`, nobody: `false`},
		{name: "no name", setup: `SELECT set_config('app.scopes', '', true)`, call: `SELECT app.has_scope('')`, nobody: `false`},
		{name: "NULL", setup: `SELECT set_config('app.scopes', 'notes:read', true)`, call: `SELECT app.has_scope(NULL)`, nobody: `false`},
	},
	"has_password": {
		{name: "a password", call: `SELECT app.has_password($ann)`, nobody: `null`, owner: `true`},
		{name: "no password", call: `SELECT app.has_password($bob)`, nobody: `null`, other: `false`, owner: `null`},
	},
	"reauthenticated_until": {
		{name: "recent", call: `SELECT app.reauthenticated_until($ann, 60) IS NOT NULL`, nobody: `false`, owner: `true`, forged: `false`},
		{name: "too long ago", setup: longAgo, call: `SELECT app.reauthenticated_until($ann, 60) IS NOT NULL`, nobody: `false`},
		{
			name: "too long ago, of an anonymous account", setup: longAgo + `; ` + anonymous,
			call:   `SELECT app.reauthenticated_until($ann, 60) = idle_expires_at FROM app.sessions WHERE id = $ann_session`,
			nobody: `no row`, owner: `true`, forged: `null`,
		},
	},
	"require_reauthentication": {
		{name: "recent", call: `SELECT app.require_reauthentication(60, '{PASSWORD}')`, nobody: `FH003 there is no session`, other: `void`, forged: `FH004 the last sign-in or reauthentication was too long ago`},
		{name: "too long ago", setup: longAgo, call: `SELECT app.require_reauthentication(60, '{PASSWORD}')`, nobody: `FH003 there is no session`, other: `FH004 the last sign-in or reauthentication was too long ago`},
	},
	"rate_limited_until": {
		{name: "a closed bucket", call: `SELECT app.rate_limited_until($ann, '{bucket}', '{3}') IS NOT NULL`, nobody: `false`, owner: `true`},
		{name: "an open bucket", call: `SELECT app.rate_limited_until($ann, '{bucket}', '{4}') IS NOT NULL`, nobody: `false`},
		{name: "a window that has ended", setup: `UPDATE app.rate_limits SET ends_at = now()`, call: `SELECT app.rate_limited_until($ann, '{bucket}', '{3}') IS NOT NULL`, nobody: `false`},
		{name: "a new bucket", call: `SELECT app.rate_limited_until($ann, '{new}', '{3}') IS NOT NULL`, nobody: `false`},
	},
	"find_own_salt": {
		{name: "a salt", call: `SELECT app.find_own_salt()`, nobody: `null`, other: `''`, owner: `$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$`},
	},
	"is_own_hash": {
		{name: "another hash", call: `SELECT app.is_own_hash($guess)`, nobody: `false`},
		{name: "no password", call: `SELECT app.is_own_hash('')`, nobody: `false`},
		{name: "the hash", call: `SELECT app.is_own_hash($hash)`, nobody: `false`, owner: `true`},
	},
	"renew_hash": {
		{name: "another hash", call: `SELECT app.renew_hash($guess, 'x')`, nobody: `void`},
		{name: "no password", call: `SELECT app.renew_hash('', 'x')`, nobody: `void`},
		{name: "the hash", call: `SELECT app.renew_hash($hash, 'x')`, nobody: `void`, owner: `void, writes accounts`},
	},
	"reauthenticate": {
		{name: "another hash", call: `SELECT app.reauthenticate($guess)`, nobody: `false`},
		{name: "no password", call: `SELECT app.reauthenticate('')`, nobody: `false`},
		{name: "the hash", call: `SELECT app.reauthenticate($hash)`, nobody: `false`, owner: `true, writes sessions`, forged: `true`},
	},
	"change_password": {
		{name: "another hash", call: `SELECT * FROM app.change_password($guess, 'x')`, nobody: `no row`},
		{name: "no password", call: `SELECT * FROM app.change_password('', 'x')`, nobody: `no row`},
		{name: "the hash", call: `SELECT * FROM app.change_password($hash, 'x')`, nobody: `no row`, owner: `Ann@example.org '', writes accounts codes security_events sessions`},
		{
			name: "the hash, of an account with a verified address", setup: verified, call: `SELECT * FROM app.change_password($hash, 'x')`,
			then:   `SELECT count(*) FROM app.sessions WHERE user_id = $ann AND revoked_at IS NULL`,
			nobody: `no row, then 2`, owner: `Ann@example.org Ann, writes accounts codes security_events sessions, then 1`,
			forged: `Ann@example.org Ann, writes accounts codes security_events sessions, then 0`,
		},
	},
	"delete_account": {
		{name: "another hash", call: `SELECT * FROM app.delete_account($guess, 60)`, nobody: `no row`},
		{name: "no password", call: `SELECT * FROM app.delete_account('', 60)`, nobody: `no row`, other: bobDeleted, owner: `no row`},
		{
			name: "no password, of an account without one", setup: `UPDATE app.accounts SET password_hash = '' WHERE user_id = $ann; DELETE FROM app.outbox`,
			call: `SELECT * FROM app.delete_account('', 60)`, nobody: `no row`, other: bobDeleted,
			owner:  `Ann@example.org '', writes accounts codes credentials held_usernames profile_private profiles security_events sessions sign_up_keys user_private users`,
			forged: `no row`,
		},
		{
			name: "the hash", call: `SELECT * FROM app.delete_account($hash, 60)`,
			nobody: `no row`, owner: `Ann@example.org '', writes accounts codes credentials held_usernames outbox profile_private profiles security_events sessions sign_up_keys user_private users`,
		},
		{
			name: "the hash, of an account with a verified address", setup: verified + `; DELETE FROM app.outbox`, call: `SELECT * FROM app.delete_account($hash, 60)`,
			then:   `SELECT user_id IS NULL, held_until > now() FROM app.held_usernames WHERE username_key = 'ann'`,
			nobody: `no row, then no row`,
			owner:  `Ann@example.org Ann, writes accounts codes credentials held_usernames profile_private profiles security_events sessions sign_up_keys user_private users, then true true`,
		},
	},
	"change_username": {
		{name: "a free one", call: `SELECT app.change_username('x', 'x', 60)`, nobody: `FH003 the account was deleted`, other: `true, writes held_usernames profiles`},
		{
			name: "one that is held for the owner", call: `SELECT app.change_username('held', 'held', 60)`,
			nobody: `FH003 the account was deleted`, other: `false, writes profiles`, owner: `true, writes held_usernames profiles`,
		},
		{
			name: "another spelling", call: `SELECT app.change_username('ANN', 'ann', 60)`,
			nobody: `FH003 the account was deleted`, other: `23505 duplicate key value violates unique constraint "profiles_username_key"`, owner: `true, writes profiles`,
		},
		{
			name: "one of a sign-up that waits", call: `SELECT app.change_username('x', 'pending', 60)`,
			nobody: `FH003 the account was deleted`, other: `23505 duplicate key value violates unique constraint "profiles_username_key"`,
		},
		{
			name: "one of an overdue sign-up", setup: overdue, call: `SELECT app.change_username('x', 'pending', 60)`,
			nobody: `FH003 the account was deleted`, other: `true, writes accounts held_usernames profiles user_private users`,
		},
	},
}

const (
	bobDeleted = `bob@example.org bob, writes accounts credentials held_usernames profile_private profiles sessions user_private users`

	expired = `UPDATE app.codes SET expires_at = now() - interval '1 second'`
	longAgo = `UPDATE app.sessions SET authenticated_at = now() - interval '61 seconds'`
	overdue = `UPDATE app.user_private SET pending_until = now() WHERE user_id = $pending`
)
