package db_test

// supportOutcomes are the outcomes of the functions with which the command line helps users, and of those that export.
var supportOutcomes = map[string][]outcome{
	"put_verification_code": {
		{name: "an account", call: `SELECT app.put_verification_code($ann, 'ann@example.org', $new, 60)`, then: lastEvent, inside: `Ann@example.org, writes codes security_events, then VERIFICATION_SENT the command line null`},
		{name: "a pending account", call: `SELECT app.put_verification_code($pending, 'p@example.org', $new, 60)`, inside: `p@example.org, writes codes security_events`},
		{
			name: "a pending account whose address another account has", setup: `UPDATE app.user_private SET email = 'p@example.org', email_key = 'p@example.org' WHERE user_id = $bob`,
			call: `SELECT app.put_verification_code($pending, 'p@example.org', $new, 60)`, inside: `null`,
		},
		{
			name: "a pending account whose time is over", setup: `UPDATE app.user_private SET pending_until = now() WHERE user_id = $pending`,
			call: `SELECT app.put_verification_code($pending, 'p@example.org', $new, 60)`, inside: `null`,
		},
		{name: "another address", call: `SELECT app.put_verification_code($ann, 'x@example.org', $new, 60)`, inside: `null`},
		{name: "a verified address", call: `SELECT app.put_verification_code($bob, 'bob@example.org', $new, 60)`, inside: `null`},
		{name: "a disabled account", setup: disabled, call: `SELECT app.put_verification_code($ann, 'ann@example.org', $new, 60)`, inside: `null`},
	},
	"put_change_code": {
		{name: "a new address", call: putChangeCode("$ann", "x@example.org"), then: lastEvent, inside: `OK, writes codes security_events, then EMAIL_CHANGE_STARTED the command line null`},
		{name: "one that a pending account has", call: putChangeCode("$ann", "p@example.org"), inside: `OK, writes codes security_events`},
		{name: "a taken address", call: putChangeCode("$ann", "bob@example.org"), inside: `TAKEN`},
		{name: "a pending account", call: putChangeCode("$pending", "x@example.org"), inside: `REFUSED`},
		{name: "a disabled account", setup: disabled, call: putChangeCode("$ann", "x@example.org"), inside: `REFUSED`},
		{
			name: "an account without an address", setup: `UPDATE app.user_private SET email = NULL, email_key = NULL, email_verified_at = NULL WHERE user_id = $ann`,
			call: putChangeCode("$ann", "x@example.org"), inside: `REFUSED`,
		},
	},
	"start_removal": {
		{name: "an account", call: `SELECT app.start_removal('ticket', $ann)`, inside: `true, writes continuations`},
		{name: "no account", call: `SELECT app.start_removal('ticket', $new)`, inside: `false`},
	},
	"enter_removal": {
		{name: "with a ticket", setup: ticket, call: `SELECT app.enter_removal('ticket') = $ann`, nobody: `true`},
		{name: "of a disabled account", setup: ticket + `;` + disabled, call: `SELECT app.enter_removal('ticket') = $ann`, nobody: `true`},
		{name: "without one", call: `SELECT app.enter_removal('ticket')`, nobody: `null`},
		{name: "with another flow of the account", setup: ticket + `; UPDATE app.continuations SET purpose = 'TOTP'`, call: `SELECT app.enter_removal('ticket')`, nobody: `null`},
		{name: "too late", setup: ticket + `; UPDATE app.continuations SET expires_at = now()`, call: `SELECT app.enter_removal('ticket')`, nobody: `null`},
	},
	"finish_removal": {
		{
			name: "by its owner, after hooks that took long", setup: ticket + `; DELETE FROM app.outbox; UPDATE app.continuations SET expires_at = now()`, call: `SELECT * FROM app.finish_removal('ticket', 60)`, nobody: `no row`,
			owner: `Ann@example.org '', writes accounts codes continuations credentials held_usernames profile_private profiles security_events sessions sign_up_keys user_private users`,
		},
		{name: "without a ticket", call: `SELECT * FROM app.finish_removal('ticket', 60)`, nobody: `no row`},
		{
			name: "the last operator", setup: ticket + `;` + granted, call: `SELECT * FROM app.finish_removal('ticket', 60)`, nobody: `no row`,
			owner: `FH005 the account is the last operator`,
		},
	},
	"erase_account": {
		{
			name: "an account", call: `SELECT * FROM app.erase_account($bob, 60)`, then: `SELECT username_key FROM app.held_usernames WHERE held_until > now() + interval '30 seconds' AND user_id IS NULL`,
			inside: `bob@example.org bob, writes accounts credentials held_usernames profile_private profiles sessions user_private users, then bob`,
		},
		{name: "the last operator", setup: granted, call: `SELECT * FROM app.erase_account($ann, 60)`, inside: `FH005 the account is the last operator`},
	},
	"export_tables": {
		{name: "of freehold", call: `SELECT string_agg(label, ' ') FROM app.export_tables()`, inside: `accounts codes continuations credentials heldUsernames hiddenRows identities outbox passkeys profilePrivate profiles recoveryCodes scopeGrants securityEvents sessions signUpKeys totpSecrets userPrivate users`},
	},
	"export_statement": {
		{name: "of freehold", call: `SELECT count(*) FROM regexp_matches(app.export_statement(), 'UNION ALL', 'g')`, inside: `18`},
	},
	"prepare_export": {
		{name: "by a role that does not own the tables", call: `SELECT app.prepare_export()`, inside: `42501 permission denied for schema app`},
		{name: "by a role that could create functions", setup: `GRANT CREATE ON SCHEMA app TO freehold_definer`, call: `SELECT app.prepare_export()`, inside: `42501 must be owner of function exported_rows`},
	},
	"export_rows": {
		{name: "all", call: `SELECT count(*), count(DISTINCT label) FROM app.export_rows($ann, NULL)`, inside: `14 11`},
		{name: "of another user", call: `SELECT string_agg(label, ' ') FROM app.export_rows($bob, NULL)`, inside: `accounts credentials profilePrivate profiles sessions userPrivate users`},
		{name: "of no user", call: `SELECT * FROM app.export_rows($new, NULL)`, inside: `no row`},
		{name: "too much", call: `SELECT * FROM app.export_rows($ann, 500)`, inside: `FH012 the export has more than 500 bytes`},
	},
	"export_account": {
		{name: "of the owner", call: `SELECT count(*) > 10 FROM app.export_account($ann, 100000)`, nobody: `false`, owner: `true`, forged: `false`},
		{name: "too much", call: `SELECT count(*) FROM app.export_account($ann, 500)`, nobody: `0`, owner: `FH012 the export has more than 500 bytes`, forged: `0`},
	},
}

// ticket lets the app role delete ann's account.
const ticket = `INSERT INTO app.continuations (id, purpose, client_hash, user_id, data, expires_at) VALUES ('ticket', 'REMOVAL', '', $ann, '', now() + interval '1 minute')`

func putChangeCode(userID, email string) string {
	return `SELECT app.put_change_code(` + userID + `, $new, '` + email + `', '` + email + `', 60)`
}
