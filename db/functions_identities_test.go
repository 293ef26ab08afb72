package db_test

var identityOutcomes = map[string][]outcome{
	"prove_identity": {
		{name: "an identity that an account has", setup: storedIdentity, call: proveIdentity("NULL"), then: identities, nobody: `known true false, then s@example.org`},
		{name: "with another address", setup: storedIdentity, call: provedColumns + `app.prove_identity('i', 's', 'x@example.org', 'bob@example.org')`, then: identities, nobody: `known true false, writes identities, then x@example.org`},
		{name: "a subject of another issuer", setup: storedIdentity, call: provedColumns + `app.prove_identity('j', 's', NULL, NULL)`, nobody: `new null null`},
		{name: "no verified address", call: proveIdentity("NULL"), nobody: `new null null`},
		{name: "an address that no account has", call: proveIdentity("'x@example.org'"), nobody: `new null null`},
		{name: "the address of a pending sign-up", call: proveIdentity("'p@example.org'"), nobody: `new null null`},
		{name: "an address that an account has not verified", call: proveIdentity("'ann@example.org'"), nobody: `unverified null null`},
		{name: "an address that an account has verified", call: proveIdentity("'bob@example.org'"), nobody: `verified false null`},
		{name: "the verified address of a disabled account", setup: `UPDATE app.accounts SET disabled_at = now() WHERE user_id = $bob`, call: proveIdentity("'bob@example.org'"), nobody: `verified false null`},
	},
	"add_identity": {
		{
			name: "a new one", call: `SELECT credential_id = $new, added FROM app.add_identity('i', 's', 's@example.org', $new, 'Work')`,
			then:   `SELECT k.user_id = $ann, k.kind, k.name, i.issuer, i.subject, i.email FROM app.identities i JOIN app.credentials k ON k.id = i.credential_id`,
			nobody: `FH003 there is no session`, other: `true true, writes credentials identities security_events, then false OAUTH Work i s s@example.org`,
			owner: `true true, writes credentials identities security_events, then true OAUTH Work i s s@example.org`,
		},
		{
			name: "one that an account has", setup: storedIdentity, call: `SELECT credential_id = $new, added FROM app.add_identity('i', 's', 's@example.org', $new, 'Work')`,
			nobody: `FH003 there is no session`, other: `no row`, owner: `false false`,
		},
		{
			name: "too many", setup: `INSERT INTO app.credentials (id, user_id, kind, name) SELECT gen_random_uuid(), $ann, 'PASSKEY', 'x' FROM generate_series(2, 50)`,
			call:   `SELECT credential_id = $new, added FROM app.add_identity('i', 's', NULL, $new, 'Work')`,
			nobody: `FH003 there is no session`, other: `true true, writes credentials identities security_events`, owner: `FH010 the account has too many credentials`,
		},
	},
	"has_own_identity": {
		{name: "an issuer", setup: storedIdentity, call: `SELECT app.has_own_identity('i')`, nobody: `FH003 there is no session`, other: `false`, owner: `true`},
		{name: "another issuer", setup: storedIdentity, call: `SELECT app.has_own_identity('j')`, nobody: `FH003 there is no session`, other: `false`},
	},
	"use_own_identity": {
		{name: "an identity", setup: storedIdentity, call: `SELECT app.use_own_identity('i', 's')`, nobody: `false`, owner: `true, writes credentials`},
		{name: "another subject", setup: storedIdentity, call: `SELECT app.use_own_identity('i', 't')`, nobody: `false`},
	},
}

func proveIdentity(emailKey string) string {
	return provedColumns + `app.prove_identity('i', 's', 's@example.org', ` + emailKey + `)`
}

const (
	provedColumns  = `SELECT outcome, user_id = $ann, credential_id = $new FROM `
	storedIdentity = `INSERT INTO app.credentials (id, user_id, kind, name) VALUES ($totp, $ann, 'OAUTH', 'x');
		INSERT INTO app.identities (credential_id, issuer, subject, email) VALUES ($totp, 'i', 's', 's@example.org')`
	identities = `SELECT email FROM app.identities`
)
