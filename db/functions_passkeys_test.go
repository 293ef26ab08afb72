package db_test

var passkeyOutcomes = map[string][]outcome{
	"add_passkey": {
		{
			name: "a passkey", call: `SELECT app.add_passkey($new, 'Key', 'id', 'key', 1, $new, '{usb}', true, false)`,
			then:   `SELECT k.user_id = $ann, k.kind, k.name, p.sign_count, p.transports, p.backup_eligible, p.backed_up FROM app.passkeys p JOIN app.credentials k ON k.id = p.credential_id`,
			nobody: `23502 null value in column "user_id" of relation "credentials" violates not-null constraint`,
			other:  `void, writes credentials passkeys security_events, then false PASSKEY Key 1 {usb} true false`,
			owner:  `void, writes credentials passkeys security_events, then true PASSKEY Key 1 {usb} true false`,
		},
		{
			name: "one that an account has", setup: storedPasskey, call: `SELECT app.add_passkey($new, 'Key', 'id', 'key', 1, $new, '{}', true, false)`,
			nobody: `23502 null value in column "user_id" of relation "credentials" violates not-null constraint`,
			other:  `23505 duplicate key value violates unique constraint "passkeys_key_id"`,
		},
		{
			name: "too many", setup: `INSERT INTO app.credentials (id, user_id, kind, name) SELECT gen_random_uuid(), $ann, 'OAUTH', 'x' FROM generate_series(2, 50)`,
			call:   `SELECT app.add_passkey($new, 'Key', 'id', 'key', 1, $new, '{}', true, false)`,
			nobody: `23502 null value in column "user_id" of relation "credentials" violates not-null constraint`,
			other:  `void, writes credentials passkeys security_events`, owner: `FH010 the account has too many credentials`,
		},
	},
	"find_passkey": {
		{name: "a passkey", setup: storedPasskey, call: `SELECT user_id = $ann, credential_id = $totp, key_id, public_key, sign_count, backup_eligible, backed_up FROM app.find_passkey('id')`, nobody: `true true id key 5 true false`},
		{name: "another id", setup: storedPasskey, call: `SELECT * FROM app.find_passkey('x')`, nobody: `no row`},
	},
	"own_passkeys": {
		{name: "a passkey", setup: storedPasskey, call: `SELECT key_id, public_key, transports FROM app.own_passkeys()`, nobody: `no row`, owner: `id key {usb}`},
	},
	"use_passkey": {
		{name: "a counter that increases", setup: storedPasskey, call: `SELECT app.use_passkey($totp, 6, true)`, then: counter, nobody: `true, writes passkeys, then 6 true`},
		{name: "the same counter", setup: storedPasskey, call: `SELECT app.use_passkey($totp, 5, true)`, then: counter, nobody: `false, then 5 false`},
		{name: "a counter that goes back", setup: storedPasskey, call: `SELECT app.use_passkey($totp, 4, true)`, then: counter, nobody: `false, then 5 false`},
		{name: "no counter any more", setup: storedPasskey, call: `SELECT app.use_passkey($totp, 0, true)`, then: counter, nobody: `false, then 5 false`},
		{name: "no counter", setup: storedPasskey + `; UPDATE app.passkeys SET sign_count = 0`, call: `SELECT app.use_passkey($totp, 0, true)`, then: counter, nobody: `true, writes passkeys, then 0 true`},
		{name: "no passkey", call: `SELECT app.use_passkey($totp, 1, true)`, nobody: `false`},
	},
	"refuse_passkey": {
		{name: "a passkey", setup: storedPasskey, call: `SELECT app.refuse_passkey('id')`, then: lastRefused, nobody: `void, writes security_events, then true`},
		{name: "an unknown one", setup: storedPasskey, call: `SELECT app.refuse_passkey('x')`, then: lastRefused, nobody: `void, writes security_events, then null`},
	},
}

const (
	storedPasskey = passkey + `; INSERT INTO app.passkeys (credential_id, key_id, public_key, sign_count, aaguid, transports, backup_eligible, backed_up)
		VALUES ($totp, 'id', 'key', 5, $new, '{usb}', true, false)`
	counter     = `SELECT sign_count, backed_up FROM app.passkeys`
	lastRefused = `SELECT user_id = $ann FROM app.security_events WHERE kind = 'SIGN_IN_REFUSED' ORDER BY created_at DESC LIMIT 1`
)
