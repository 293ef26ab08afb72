package db_test

// operatorOutcomes are the outcomes of the functions of operators. With granted, ann is one. With may, each viewer has scopes.
var operatorOutcomes = map[string][]outcome{
	"accept_scopes": {
		{name: "some that are granted", setup: granted, call: `SELECT app.accept_scopes('accounts:read other:scope', '')`, nobody: `''`, owner: `accounts:read`, forged: `''`},
		{name: "none that is granted", setup: granted, call: `SELECT app.accept_scopes('other:scope', '')`, nobody: `''`},
		{name: "none", setup: granted, call: `SELECT app.accept_scopes('', '')`, nobody: `''`},
		{name: "after they were revoked", call: `SELECT app.accept_scopes('accounts:read', '')`, nobody: `''`},
		{
			name: "with one factor", setup: granted, call: `SELECT app.accept_scopes('accounts:disable accounts:read', 'accounts:read other:scope')`, nobody: `''`,
			owner: `accounts:disable`, forged: `''`,
		},
		{
			name: "with two factors", setup: granted + `;` + strong, call: `SELECT app.accept_scopes('accounts:disable accounts:read', '*')`, nobody: `''`,
			owner: `accounts:disable accounts:read`, forged: `''`,
		},
	},
	"permitted_scopes": {
		{name: "of an operator", setup: granted, call: `SELECT app.permitted_scopes($ann_session, '')`, inside: `accounts:disable accounts:read`},
		{name: "of another user", setup: granted, call: `SELECT app.permitted_scopes($bob_session, '')`, inside: `''`},
		{name: "of no session", call: `SELECT app.permitted_scopes($new, '')`, inside: `''`},
		{name: "with one factor", setup: granted, call: `SELECT app.permitted_scopes($ann_session, 'accounts:read')`, inside: `accounts:disable`},
		{name: "with one factor, if all need two", setup: granted, call: `SELECT app.permitted_scopes($ann_session, '*')`, inside: `''`},
		{name: "with two factors", setup: granted + `;` + strong, call: `SELECT app.permitted_scopes($ann_session, '*')`, inside: `accounts:disable accounts:read`},
	},
	"session_claims": {
		{
			name: "of an operator", setup: granted + `;` + strong + `; UPDATE app.sessions SET authenticated_at = to_timestamp(7.9), amr = '{mfa,pwd}'`,
			call: `SELECT * FROM app.session_claims($ann_session, '*')`, nobody: `accounts:disable accounts:read mfa pwd true 7`,
		},
		{
			name: "of a session with one factor", setup: granted + `; UPDATE app.sessions SET authenticated_at = to_timestamp(7.9)`,
			call: `SELECT * FROM app.session_claims($ann_session, '*')`, nobody: `'' '' false 7`,
		},
		{name: "of no session", call: `SELECT * FROM app.session_claims($new, '')`, nobody: `no row`},
	},
	"remove_second_factor": {
		{name: "a second factor", setup: secondFactor, call: `SELECT * FROM app.remove_second_factor($ann)`, inside: `true Ann@example.org '', writes credentials recovery_codes security_events`},
		{name: "none", setup: verified, call: `SELECT * FROM app.remove_second_factor($ann)`, inside: `false Ann@example.org Ann`},
		{name: "an unknown account", call: `SELECT * FROM app.remove_second_factor($new)`, inside: `no row`},
	},
	"require_scope": {
		{name: "granted", setup: asAnn + may(`accounts:read`), call: `SELECT app.require_scope('accounts:read')`, inside: `void`},
		{name: "another one", setup: asAnn + may(`accounts:read`), call: `SELECT app.require_scope('accounts:disable')`, inside: `FH006 the viewer does not have the scope accounts:disable`},
		{name: "without a viewer", setup: may(`accounts:read`), call: `SELECT app.require_scope('accounts:read')`, inside: `FH003 there is no session`},
	},
	"require_other_operator": {
		{name: "an ordinary account", setup: granted, call: `SELECT app.require_other_operator($bob)`, inside: `void`},
		{name: "the last operator", setup: granted, call: `SELECT app.require_other_operator($ann)`, inside: `FH005 the account is the last operator`},
		{name: "one of two", setup: granted + `;` + grantedToBob, call: `SELECT app.require_other_operator($ann)`, inside: `void`},
		{
			name: "the last one that is not disabled", setup: granted + `;` + grantedToBob + `; UPDATE app.accounts SET disabled_at = now() WHERE user_id = $bob`,
			call: `SELECT app.require_other_operator($ann)`, inside: `FH005 the account is the last operator`,
		},
		{name: "a disabled one", setup: granted + `;` + disabled, call: `SELECT app.require_other_operator($ann)`, inside: `void`},
	},
	"is_disabled": {
		{name: "disabled", setup: disabled, call: `SELECT app.is_disabled($ann)`, inside: `true`},
		{name: "not disabled", call: `SELECT app.is_disabled($ann)`, inside: `false`},
		{name: "unknown", call: `SELECT app.is_disabled($new)`, inside: `false`},
	},
	"grant_scope": {
		{name: "to an account", call: `SELECT app.grant_scope($ann, 'accounts:read', 'x')`, then: lastEvent, inside: `true, writes scope_grants security_events, then SCOPE_GRANTED the command line null`},
		{name: "again", setup: granted, call: `SELECT app.grant_scope($ann, 'accounts:read', 'x')`, inside: `true`},
		{name: "to a pending account", call: `SELECT app.grant_scope($pending, 'accounts:read', 'x')`, inside: `false`},
		{name: "to no account", call: `SELECT app.grant_scope($new, 'accounts:read', 'x')`, inside: `false`},
	},
	"revoke_scope": {
		{name: "of an account", setup: granted, call: `SELECT app.revoke_scope($ann, 'accounts:read')`, then: lastEvent, inside: `true, writes scope_grants security_events, then SCOPE_REVOKED the command line null`},
		{name: "that the account does not have", call: `SELECT app.revoke_scope($ann, 'accounts:read')`, inside: `false`},
		{name: "of the last operator", setup: granted, call: `SELECT app.revoke_scope($ann, 'accounts:disable')`, inside: `FH005 the account is the last operator`},
		{name: "of one of two operators", setup: granted + `;` + grantedToBob, call: `SELECT app.revoke_scope($ann, 'accounts:disable')`, inside: `true, writes scope_grants security_events`},
	},
	"record_operator_event": {
		{name: "of an operator", call: `SELECT app.record_operator_event($bob, 'ACCOUNT_DISABLED', $ann)`, then: lastEvent, inside: `void, writes security_events, then ACCOUNT_DISABLED Ann null`},
		{name: "of the command line", setup: `SELECT set_config('app.client_ip', '10.0.0.9', true)`, call: `SELECT app.record_operator_event($bob, 'ACCOUNT_DISABLED', NULL)`, then: lastEvent, inside: `void, writes security_events, then ACCOUNT_DISABLED the command line null`},
	},
	"visible_tables": {
		{name: "profiles", call: `SELECT * FROM app.visible_tables()`, inside: `profiles user_id {id}`},
	},
	"prepare_disabling": {
		{name: "by a role that does not own the tables, which grants nothing", call: `SELECT app.prepare_disabling()`, inside: `void`},
		{
			name: "without a column for the owner", setup: `CREATE TABLE app.x (id uuid PRIMARY KEY, visibility text); CREATE POLICY x_select ON app.x USING (visibility = 'PUBLIC')`,
			call: `SELECT app.prepare_disabling()`, inside: `P0001 app.x has rows with a visibility, but no column for their owner`,
		},
	},
	"hide_rows": {
		{name: "with visible rows", setup: public, call: `SELECT app.hide_rows($ann)`, then: visibility, inside: `void, writes hidden_rows profiles, then PRIVATE`},
		{name: "without visible rows", call: `SELECT app.hide_rows($ann)`, inside: `void`},
	},
	"show_rows": {
		{name: "that were hidden", setup: public + `; SELECT app.hide_rows($ann)`, call: `SELECT app.show_rows($ann)`, then: visibility, inside: `void, writes hidden_rows profiles, then PUBLIC`},
		{name: "of another account", setup: public + `; SELECT app.hide_rows($ann)`, call: `SELECT app.show_rows($bob)`, then: visibility, inside: `void, then PRIVATE`},
	},
	"set_disabled": {
		{name: "disable", setup: public, call: `SELECT app.set_disabled($ann, true, $bob)`, then: lastEvent, inside: `true, writes accounts codes hidden_rows profiles security_events sessions, then ACCOUNT_DISABLED bob null`},
		{name: "disable again", setup: disabled, call: `SELECT app.set_disabled($ann, true, $bob)`, inside: `true`},
		{name: "enable", setup: public + `; SELECT app.set_disabled($ann, true, $bob)`, call: `SELECT app.set_disabled($ann, false, NULL)`, then: lastEvent, inside: `true, writes accounts hidden_rows profiles security_events, then ACCOUNT_ENABLED the command line null`},
		{name: "enable again", call: `SELECT app.set_disabled($ann, false, $bob)`, inside: `true`},
		{name: "the last operator", setup: granted, call: `SELECT app.set_disabled($ann, true, $bob)`, inside: `FH005 the account is the last operator`},
		{name: "no account", call: `SELECT app.set_disabled($new, true, $bob)`, inside: `false`},
	},
	"disable_account": {
		{name: "with the scope", setup: may(`accounts:disable`), call: `SELECT app.disable_account($bob)`, nobody: `FH003 there is no session`, other: `true, writes accounts security_events sessions`},
		{name: "with another scope", setup: may(`accounts:read`), call: `SELECT app.disable_account($bob)`, nobody: `FH003 there is no session`, other: missing(`accounts:disable`)},
	},
	"enable_account": {
		{name: "with the scope", setup: may(`accounts:disable`) + `;` + disabled, call: `SELECT app.enable_account($ann)`, nobody: `FH003 there is no session`, other: `true, writes accounts security_events`},
		{name: "with another scope", setup: may(`accounts:read`) + `;` + disabled, call: `SELECT app.enable_account($ann)`, nobody: `FH003 there is no session`, other: missing(`accounts:disable`)},
	},
	"end_sessions": {
		{name: "with sessions", call: `SELECT app.end_sessions($ann, $bob)`, then: lastEvent, inside: `2, writes security_events sessions, then SESSIONS_REVOKED bob null`},
		{name: "without sessions", setup: `UPDATE app.sessions SET expires_at = now()`, call: `SELECT app.end_sessions($ann, NULL)`, inside: `0`},
		{name: "no account", call: `SELECT app.end_sessions($new, NULL)`, inside: `null`},
	},
	"revoke_account_sessions": {
		{name: "with the scope", setup: may(`sessions:revoke`), call: `SELECT app.revoke_account_sessions($ann)`, nobody: `FH003 there is no session`, other: `2, writes security_events sessions`},
		{name: "with another scope", setup: may(`accounts:disable`), call: `SELECT app.revoke_account_sessions($ann)`, nobody: `FH003 there is no session`, other: missing(`sessions:revoke`)},
	},
	"account_state": {
		{name: "active", call: `SELECT app.account_state(NULL, NULL)`, inside: `ACTIVE`},
		{name: "pending", call: `SELECT app.account_state(NULL, now())`, inside: `PENDING`},
		{name: "disabled", call: `SELECT app.account_state(now(), now())`, inside: `DISABLED`},
	},
	"find_recipient": {
		{name: "an account", call: `SELECT * FROM app.find_recipient($ann)`, inside: `Ann@example.org ACTIVE`},
		{name: "no account", call: `SELECT * FROM app.find_recipient($new)`, inside: `no row`},
	},
	"reset_recipient": {
		{name: "with the scope", setup: may(`passwords:reset`), call: `SELECT * FROM app.reset_recipient($ann)`, nobody: `FH003 there is no session`, other: `Ann@example.org ACTIVE`},
		{name: "with another scope", setup: may(`accounts:read`), call: `SELECT * FROM app.reset_recipient($ann)`, nobody: `FH003 there is no session`, other: missing(`passwords:reset`)},
	},
	"put_reset_code": {
		{name: "an account", call: `SELECT * FROM app.put_reset_code($bob, 'bob@example.org', $new, 60, NULL)`, then: lastEvent, inside: `bob@example.org bob, writes codes security_events, then PASSWORD_RESET_STARTED the command line null`},
		{name: "another address", call: `SELECT * FROM app.put_reset_code($bob, 'x@example.org', $new, 60, NULL)`, inside: `no row`},
		{name: "a disabled account", setup: disabled, call: `SELECT * FROM app.put_reset_code($ann, 'ann@example.org', $new, 60, NULL)`, inside: `no row`},
		{name: "a pending account", call: `SELECT * FROM app.put_reset_code($pending, 'p@example.org', $new, 60, NULL)`, inside: `no row`},
	},
	"start_password_reset": {
		{name: "with the scope", setup: may(`passwords:reset`), call: `SELECT * FROM app.start_password_reset($bob, 'bob@example.org', $new, 60)`, nobody: `FH003 there is no session`, other: `bob@example.org bob, writes codes security_events`},
		{name: "with another scope", setup: may(`accounts:read`), call: `SELECT * FROM app.start_password_reset($bob, 'bob@example.org', $new, 60)`, nobody: `FH003 there is no session`, other: missing(`passwords:reset`)},
	},
	"accounts_page": {
		{name: "all", call: page(`accounts_page`, `NULL, NULL, NULL, NULL`), inside: `3`},
		{name: "by id", call: page(`accounts_page`, `$ann, NULL, NULL, NULL`), inside: `1`},
	},
	"find_accounts": {
		{name: "with the scope", setup: may(`accounts:read`), call: page(`find_accounts`, `NULL, NULL, NULL, NULL`), nobody: `3`},
		{name: "by all values", setup: may(`accounts:read`), call: page(`find_accounts`, `$ann, 'ann@example.org', 'ann', 'ACTIVE'`), nobody: `1`},
		{name: "by the address of another", setup: may(`accounts:read`), call: page(`find_accounts`, `$ann, 'bob@example.org', NULL, NULL`), nobody: `0`},
		{name: "pending", setup: may(`accounts:read`), call: page(`find_accounts`, `NULL, NULL, NULL, 'PENDING'`), nobody: `1`},
		{name: "disabled", setup: may(`accounts:read`) + `;` + disabled, call: page(`find_accounts`, `NULL, NULL, NULL, 'DISABLED'`), nobody: `1`},
		{name: "with another scope", setup: may(`accounts:disable`), call: page(`find_accounts`, `NULL, NULL, NULL, NULL`), nobody: `0`},
	},
	"account_lock": {
		{name: "one for each account", call: `SELECT app.account_lock($ann) = app.account_lock($bob), app.account_lock($ann) = app.account_lock($ann)`, inside: `false true`},
	},
}

const (
	granted      = `INSERT INTO app.scope_grants (user_id, scope, granted_by) VALUES ($ann, 'accounts:read', 'x'), ($ann, 'accounts:disable', 'x')`
	grantedToBob = `INSERT INTO app.scope_grants (user_id, scope, granted_by) VALUES ($bob, 'accounts:disable', 'x')`
	asAnn        = `SELECT set_config('app.viewer_id', $ann::text, true);`
	public       = `UPDATE app.profiles SET visibility = 'PUBLIC' WHERE user_id = $ann`
	visibility   = `SELECT visibility FROM app.profiles WHERE user_id = $ann`
	lastEvent    = `SELECT kind, operator, ip FROM app.security_events ORDER BY created_at DESC LIMIT 1`
)

// may gives the viewer of a transaction scopes.
func may(scopes string) string { return `SELECT set_config('app.scopes', '` + scopes + `', true)` }

func missing(scope string) string { return `FH006 the viewer does not have the scope ` + scope }

// page counts the accounts of a page that a function returns.
func page(function, filter string) string {
	return `SELECT count(*) FROM app.` + function + `('infinity', $ann, '-infinity', $ann, 10, false, ` + filter + `)`
}
