package db_test

import "fmt"

var sessionOutcomes = map[string][]outcome{
	"enter":         entering(`SELECT app.enter(%s, 1000)`),
	"enter_session": entering(`SELECT app.enter_session(%s, '1000', '1000', '', '', true)`),
	"refresh_session": {
		{name: "an unknown session", call: refresh(`$new, 'token'`, true), nobody: `invalid null null`},
		{name: "a disabled account", setup: disabled, call: refresh(`$ann_session, 'token'`, true), nobody: `invalid null null`},
		{name: "a token that was made up", call: refresh(`$ann_session, 'x'`, false), nobody: `invalid null null`},
		{name: "a token that was made up for a revoked session", setup: revoked, call: refresh(`$ann_session, 'x'`, false), nobody: `invalid null null`},
		{name: "a revoked session", setup: revoked, call: refresh(`$ann_session, 'token'`, true), nobody: `revoked null null`},
		{name: "a session that has expired", setup: `UPDATE app.sessions SET expires_at = now()`, call: refresh(`$ann_session, 'token'`, true), nobody: `expired null null`},
		{name: "a session that was idle", setup: `UPDATE app.sessions SET idle_expires_at = now()`, call: refresh(`$ann_session, 'token'`, true), nobody: `expired null null`},
		{name: "the current token", call: refresh(`$ann_session, 'token'`, true), nobody: `rotated true next, writes sessions`},
		{name: "the current token under a key that is gone", call: refresh(`$ann_session, 'token'`, false), nobody: `rotated true next, writes sessions`},
		{name: "the previous token, in time", setup: rotated, call: refresh(`$ann_session, 'before'`, false), nobody: `repeated true token`},
		{
			name: "the previous token, later", setup: rotated + `; UPDATE app.sessions SET rotated_at = now() - interval '10 seconds' WHERE id = $ann_session`,
			call: refresh(`$ann_session, 'before'`, false), nobody: `reused null null, writes security_events sessions`,
		},
		{name: "a token from before", setup: rotated, call: refresh(`$ann_session, 'x'`, true), nobody: `reused null null, writes security_events sessions`},
	},
	"sign_out": {
		{name: "a token that was made up", call: `SELECT app.sign_out($ann_session, 'x', false)`, nobody: `false`},
		{name: "a token from before", call: `SELECT app.sign_out($ann_session, 'x', true)`, nobody: `true, writes security_events sessions`},
		{name: "the current token", call: `SELECT app.sign_out($ann_session, 'token', false)`, nobody: `true, writes security_events sessions`},
		{name: "the previous token", setup: rotated, call: `SELECT app.sign_out($ann_session, 'before', false)`, nobody: `true, writes security_events sessions`},
		{name: "a revoked session", setup: revoked, call: `SELECT app.sign_out($ann_session, 'token', true)`, nobody: `false`},
		{name: "a session that has expired", setup: `UPDATE app.sessions SET expires_at = now()`, call: `SELECT app.sign_out($ann_session, 'token', true)`, nobody: `false`},
		{name: "an unknown session", call: `SELECT app.sign_out($new, 'token', true)`, nobody: `false`},
	},
	"revoke_session": {
		{name: "the session that asks", call: `SELECT app.revoke_session($ann_session)`, then: signedOut, nobody: `false, then false`, owner: `true, writes sessions, then true`, forged: `true, writes sessions, then false`},
		{name: "another session of the viewer", call: `SELECT app.revoke_session($ann_session2)`, then: signedOut, nobody: `false, then false`, owner: `true, writes sessions, then false`},
		{name: "a revoked session", setup: revoked, call: `SELECT app.revoke_session($ann_session)`, nobody: `false`},
		{name: "an unknown session", call: `SELECT app.revoke_session($new)`, nobody: `false`},
	},
	"revoke_other_sessions": {
		{name: "there are others", call: `SELECT count(*) FROM app.revoke_other_sessions()`, nobody: `FH003 there is no session`, other: `0`, owner: `1, writes sessions`, forged: `0`},
		{
			name: "the others have ended", setup: `UPDATE app.sessions SET expires_at = now() WHERE id = $ann_session2`,
			call: `SELECT count(*) FROM app.revoke_other_sessions()`, nobody: `FH003 there is no session`, other: `0`,
		},
	},
	"revoke_oldest_sessions": {
		{name: "too many", call: `SELECT app.revoke_oldest_sessions(1)`, nobody: `void`, owner: `void, writes sessions`, forged: `void`},
		{name: "not too many", call: `SELECT app.revoke_oldest_sessions(2)`, nobody: `void`},
		{name: "never the one that asks", call: `SELECT app.revoke_oldest_sessions(0), app.enter($ann_session, 1000) = $ann`, nobody: `void true`, owner: `void true, writes sessions`, forged: `void true`},
	},
	"record_own_event": {
		{name: "a kind that viewers record", call: `SELECT app.record_own_event('SESSION_REVOKED')`, nobody: `FH003 there is no session`, other: `void, writes security_events`},
		{name: "another kind", call: `SELECT app.record_own_event('SIGNED_IN')`, nobody: `FH003 there is no session`, other: `22023 viewers cannot record the event SIGNED_IN`},
		{name: "no kind", call: `SELECT app.record_own_event(NULL)`, nobody: `FH003 there is no session`, other: `22023 viewers cannot record the event <NULL>`},
		{
			name: "for nobody else", call: `SELECT app.record_own_event('SESSION_REVOKED'), count(*) FROM app.security_events WHERE user_id = $ann`,
			nobody: `FH003 there is no session`, other: `void 0, writes security_events`, owner: `void 1, writes security_events`,
		},
	},
	"viewer_id": {
		{name: "the viewer", call: `SELECT app.viewer_id() = $ann`, nobody: `null`, other: `false`, owner: `true`},
		{name: "after a transaction", setup: `SELECT set_config('app.viewer_id', '', true)`, call: `SELECT app.viewer_id()`, nobody: `null`},
	},
}

const signedOut = `SELECT bool_or(signed_out) FROM app.sessions`

const rotated = `UPDATE app.sessions SET previous_hash = 'before', rotated_at = now() WHERE id = $ann_session`

func refresh(token string, genuine bool) string {
	return `SELECT outcome, user_id = $ann, current_hash FROM app.refresh_session(` + token + `, 'next', ` + map[bool]string{true: "true", false: "false"}[genuine] + `, 10, 60)`
}

// innerOutcomes are the outcomes of the functions that only other functions call.
var innerOutcomes = map[string][]outcome{
	"start_session": {
		{name: "a session", call: `SELECT app.start_session($ann, $new, 'x', 60, 60, '{pwd}', true, NULL)`, inside: `void, writes sessions`},
		{name: "no account", call: `SELECT app.start_session($new, $new, 'x', 60, 60, NULL, false, NULL)`, inside: `23503 insert or update on table "sessions" violates foreign key constraint "sessions_user_id_fkey"`},
	},
	"record_event": {
		{name: "of an account", call: `SELECT app.record_event($ann, 'x')`, inside: `void, writes security_events`},
		{name: "of no account", call: `SELECT app.record_event(NULL, 'x')`, inside: `void, writes security_events`},
		{name: "of a deleted account", call: `SELECT app.record_event($new, 'x')`, inside: `23503 insert or update on table "security_events" violates foreign key constraint "security_events_user_id_fkey"`},
	},
	"record_refused_sign_in": {
		{name: "of an account", call: `SELECT app.record_refused_sign_in($ann)`, inside: `void, writes security_events`},
		{name: "of no account", call: `SELECT app.record_refused_sign_in(NULL)`, inside: `void, writes security_events`},
		{name: "of a deleted account", call: `SELECT app.record_refused_sign_in($new)`, inside: `void`},
	},
	"delete_expired_sign_up": {
		{name: "overdue", setup: `UPDATE app.user_private SET pending_until = now() WHERE user_id = $pending`, call: `SELECT app.delete_expired_sign_up('pending')`, inside: `void, writes accounts profiles user_private users`},
		{name: "waiting", call: `SELECT app.delete_expired_sign_up('pending')`, inside: `void`},
		{name: "an account", call: `SELECT app.delete_expired_sign_up('ann')`, inside: `void`},
		{name: "free", call: `SELECT app.delete_expired_sign_up('x')`, inside: `void`},
	},
	"hold_username": {
		{name: "a new hold", call: `SELECT app.hold_username('x', $bob, now())`, inside: `void, writes held_usernames`},
		{name: "a longer hold stays", call: `SELECT app.hold_username('held', $ann, now())`, inside: `void`},
		{name: "for nobody", call: `SELECT app.hold_username('held', NULL, now())`, inside: `void, writes held_usernames`},
	},
	"put_code": {
		{name: "a new code", call: `SELECT app.put_code($new, 'RESET_PASSWORD', 'x', 'bob@example.org', $bob, 60)`, inside: `void, writes codes`},
		{name: "nobody's code", call: `SELECT app.put_code($new, 'RESET_PASSWORD', 'x', 'x@example.org', NULL, 60)`, inside: `void, writes codes`},
		{
			name:   "in the place of one that is valid for longer",
			call:   `SELECT app.put_code($new, 'RESET_PASSWORD', 'x', 'ann@example.org', $ann, 60)`,
			then:   `SELECT id = $new, expires_at > now() + interval '50 minutes' FROM app.codes WHERE user_id = $ann AND purpose = 'RESET_PASSWORD'`,
			inside: `void, writes codes, then true true`,
		},
		{
			name:   "in the place of one that is valid for less long",
			call:   `SELECT app.put_code($new, 'RESET_PASSWORD', 'x', 'ann@example.org', $ann, 7200)`,
			then:   `SELECT id = $new, expires_at > now() + interval '110 minutes' FROM app.codes WHERE user_id = $ann AND purpose = 'RESET_PASSWORD'`,
			inside: `void, writes codes, then true true`,
		},
	},
	"revoke_access": {
		{name: "but for a session", call: `SELECT app.revoke_access($ann, $ann_session)`, inside: `void, writes codes sessions`},
		{name: "entirely", setup: `DELETE FROM app.codes`, call: `SELECT app.revoke_access($bob, NULL)`, inside: `void, writes sessions`},
	},
	"delete_rival_codes": {
		{name: "there are some", call: `SELECT app.delete_rival_codes('p@example.org', $bob)`, inside: `true, writes codes`},
		{name: "there are none", call: `SELECT app.delete_rival_codes('ann@example.org', $ann)`, inside: `false`},
		{name: "the account itself is none", call: `SELECT app.delete_rival_codes('p@example.org', $pending)`, inside: `false`},
	},
	"verified_username": {
		{name: "a verified address", call: proved + `$bob`, inside: `bob`},
		{name: "an address that is not verified", call: proved + `$ann`, inside: `''`},
	},
	"salt_of": {
		{name: "a hash", call: `SELECT app.salt_of($hash)`, inside: `$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$`},
		{name: "no password", call: `SELECT app.salt_of('')`, inside: `''`},
		{name: "no account", call: `SELECT app.salt_of(NULL)`, inside: `''`},
	},
	"client_ip": {
		{name: "known", setup: `SELECT set_config('app.client_ip', '10.0.0.9', true)`, call: `SELECT app.client_ip()`, inside: `10.0.0.9`},
		{name: "unknown", setup: `SELECT set_config('app.client_ip', '', true)`, call: `SELECT app.client_ip()`, inside: `null`},
	},
	"client_device": {
		{name: "known", setup: `SELECT set_config('app.client_device', 'x', true)`, call: `SELECT app.client_device()`, inside: `x`},
		{name: "unknown", setup: `SELECT set_config('app.client_device', '', true)`, call: `SELECT app.client_device()`, inside: `null`},
	},
	"session_id": {
		{name: "proved", setup: `SELECT app.enter($ann_session, 1000)`, call: `SELECT app.session_id() = $ann_session`, inside: `true`},
		{name: "not proved", call: `SELECT app.session_id()`, inside: `null`},
	},
}

const proved = `SELECT app.verified_username(u, p) FROM app.user_private u JOIN app.profiles p ON p.user_id = u.user_id WHERE u.user_id = `

// entering are the outcomes of a function that sets the viewer.
func entering(call string) []outcome {
	ann := fmt.Sprintf(call, "$ann_session")
	return []outcome{
		{name: "a live session", call: ann + ` = $ann`, nobody: `true`},
		{name: "an unknown session", call: fmt.Sprintf(call, "$new"), nobody: `FH003 session is invalid`},
		{name: "a disabled account", setup: disabled, call: ann, nobody: `FH003 session is invalid`},
		{name: "a revoked session", setup: revoked, call: ann, nobody: `FH001 session was revoked`},
		{name: "a session that has expired", setup: `UPDATE app.sessions SET expires_at = now()`, call: ann, nobody: `FH002 session has expired`},
		{name: "a session that was idle", setup: `UPDATE app.sessions SET idle_expires_at = now()`, call: ann, nobody: `FH002 session has expired`},
	}
}
