package db_test

var credentialOutcomes = map[string][]outcome{
	"put_password": {
		{name: "a first password", call: `SELECT app.put_password($bob, 'x') IS NOT NULL`, inside: `true, writes accounts credentials`},
		{name: "another password", call: `SELECT app.put_password($ann, 'x') = $ann_password`, inside: `true, writes accounts`},
		{
			name: "of an anonymous account", setup: anonymous, call: `SELECT app.put_password($ann, 'x') IS NOT NULL`, then: `SELECT anonymous FROM app.accounts WHERE user_id = $ann`,
			inside: `true, writes accounts credentials, then false`,
		},
		{name: "no password", call: `SELECT app.put_password($ann, '')`, inside: `null, writes accounts credentials sessions`},
	},
	"put_email_code": {
		{name: "a verified address", setup: verified, call: `SELECT app.put_email_code($ann)`, inside: `void, writes credentials`},
		{name: "an address that is not verified", call: `SELECT app.put_email_code($ann)`, inside: `void`},
		{name: "again", call: `SELECT app.put_email_code($bob)`, inside: `void`},
		{
			name: "of an anonymous account", setup: `UPDATE app.accounts SET anonymous = true WHERE user_id = $ann; ` + verified, call: `SELECT app.put_email_code($ann)`,
			then: `SELECT anonymous FROM app.accounts WHERE user_id = $ann`, inside: `void, writes accounts credentials, then false`,
		},
	},
	"add_credential": {
		{
			name: "a passkey", setup: `UPDATE app.accounts SET anonymous = true WHERE user_id = $ann`, call: `SELECT app.add_credential($ann, $new, 'PASSKEY', 'Key')`,
			then: `SELECT anonymous FROM app.accounts WHERE user_id = $ann`, inside: `void, writes accounts credentials security_events, then false`,
		},
		{name: "in the transaction of the sign-up", setup: `SELECT set_config('app.session_id', $bob_session::text, true); UPDATE app.sessions SET created_at = now() WHERE id = $bob_session`,
			call: `SELECT app.add_credential($bob, $new, 'PASSKEY', 'Key')`, inside: `void, writes credentials security_events sessions`},
		{
			name: "too many", setup: `INSERT INTO app.credentials (id, user_id, kind, name) SELECT gen_random_uuid(), $ann, 'PASSKEY', 'Key' FROM generate_series(2, 50)`,
			call: `SELECT app.add_credential($ann, $new, 'PASSKEY', 'Key')`, inside: `FH010 the account has too many credentials`,
		},
	},
	"remove_credential": {
		{name: "the last one", call: `SELECT * FROM app.remove_credential($ann_password)`, nobody: `no row`, owner: `FH011 the account has no other way in`},
		{
			name: "one of two", setup: passkey, call: `SELECT * FROM app.remove_credential($ann_password)`, then: `SELECT password_hash FROM app.accounts WHERE user_id = $ann`,
			nobody: `no row, then $argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$a2V5`, owner: `PASSWORD Password, writes accounts credentials security_events sessions, then ''`,
		},
		{name: "a passkey", setup: passkey, call: `SELECT * FROM app.remove_credential($totp)`, nobody: `no row`, owner: `PASSKEY Key, writes credentials security_events`},
		{name: "beside a second factor", setup: secondFactor, call: `SELECT * FROM app.remove_credential($ann_password)`, nobody: `no row`, owner: `FH011 the account has no other way in`},
		{name: "the second factor", setup: secondFactor, call: `SELECT * FROM app.remove_credential($totp)`, nobody: `no row`, owner: `TOTP Phone, writes credentials recovery_codes security_events`},
	},
	"clear_credentials": {
		{name: "all of them", setup: secondFactor, call: `SELECT app.clear_credentials($ann)`, inside: `void, writes accounts credentials recovery_codes sessions`},
	},
	"authenticate_again": {
		{
			name: "with two factors", call: `SELECT app.authenticate_again('{otp,mfa}', true)`, then: `SELECT amr, second_factor_at IS NOT NULL FROM app.sessions WHERE id = $ann_session`,
			nobody: `void, then {} false`, other: `void, writes sessions, then {} false`, owner: `void, writes sessions, then {mfa,otp} true`, forged: `void, then {} false`,
		},
		{name: "with one", call: `SELECT app.authenticate_again('{pwd}', false)`, nobody: `void`, other: `void, writes sessions`, owner: `void, writes sessions`, forged: `void`},
	},
	"open_continuation": {
		{name: "a flow", call: `SELECT app.open_continuation('x', 'SIGN_UP', 'client', NULL, 'data', 60)`, nobody: `void, writes continuations`},
		{name: "a removal", call: `SELECT app.open_continuation('x', 'REMOVAL', '', $ann, '', 60)`, nobody: `42501 app.open_continuation: a removal`},
	},
	"find_continuation": {
		{name: "a flow", call: `SELECT * FROM app.find_continuation('flow', 'SIGN_UP', '{other,client}')`, nobody: `null client data`},
		{name: "of another purpose", call: `SELECT * FROM app.find_continuation('flow', 'TOTP', '{client}')`, nobody: `no row`},
		{name: "of another client", call: `SELECT * FROM app.find_continuation('flow', 'SIGN_UP', '{other}')`, nobody: `no row`},
		{name: "that has expired", setup: `UPDATE app.continuations SET expires_at = now()`, call: `SELECT * FROM app.find_continuation('flow', 'SIGN_UP', '{client}')`, nobody: `no row`},
	},
	"use_continuation": {
		{name: "once", call: `SELECT app.use_continuation('flow', 'SIGN_UP')`, nobody: `true, writes continuations`},
		{name: "again", setup: `SELECT app.use_continuation('flow', 'SIGN_UP')`, call: `SELECT app.use_continuation('flow', 'SIGN_UP')`, nobody: `false`},
		{name: "of another purpose", call: `SELECT app.use_continuation('flow', 'TOTP')`, nobody: `false`},
		{name: "that has expired", setup: `UPDATE app.continuations SET expires_at = now()`, call: `SELECT app.use_continuation('flow', 'SIGN_UP')`, nobody: `false`},
	},
}

const passkey = `INSERT INTO app.credentials (id, user_id, kind, name) VALUES ($totp, $ann, 'PASSKEY', 'Key')`
