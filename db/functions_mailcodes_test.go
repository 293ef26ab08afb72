package db_test

var mailCodeOutcomes = map[string][]outcome{
	"request_sign_in_code": {
		{name: "a verified address", call: `SELECT * FROM app.request_sign_in_code($new, 'x', 'bob@example.org', NULL, 60)`, nobody: `bob@example.org true, writes codes`},
		{
			name: "a verified address whose owner has turned codes off", setup: noCodes,
			call: `SELECT * FROM app.request_sign_in_code($new, 'x', 'bob@example.org', NULL, 60)`, nobody: `bob@example.org false, writes codes`,
		},
		{name: "an address that is not verified", call: `SELECT * FROM app.request_sign_in_code($new, 'x', 'ann@example.org', NULL, 60)`, nobody: `Ann@example.org true, writes codes`},
		{name: "a disabled account", setup: disabled, call: `SELECT * FROM app.request_sign_in_code($new, 'x', 'ann@example.org', NULL, 60)`, nobody: `Ann@example.org false, writes codes`},
		{name: "a sign-up that waits", call: `SELECT * FROM app.request_sign_in_code($new, 'x', 'p@example.org', NULL, 60)`, nobody: `x true, writes codes`},
		{
			name: "an unknown address, twice", setup: `SELECT app.request_sign_in_code($mail, 'x', 'x@example.org', '{"username": "first"}', 60)`,
			call:   `SELECT * FROM app.request_sign_in_code($new, 'x', 'x@example.org', '{"username": "second"}', 60)`,
			then:   `SELECT k.id = $new, k.data->>'username' FROM app.codes k WHERE k.email_key = 'x@example.org'`,
			nobody: `x true, writes codes, then true second`,
		},
	},
	"find_sign_in_code": {
		{name: "the code", setup: signInCode, call: `SELECT id = $new, email, user_id = $ann, form FROM app.find_sign_in_code('ann@example.org', ARRAY[$mail, $new])`, nobody: `true Ann@example.org true null`},
		{name: "a code from before the account", setup: unownedCode, call: `SELECT user_id = $ann FROM app.find_sign_in_code('ann@example.org', ARRAY[$new])`, nobody: `true`},
		{name: "a code of an address without an account", setup: signUpCode, call: `SELECT user_id, form FROM app.find_sign_in_code('x@example.org', ARRAY[$new])`, nobody: `null {"username": "x"}`},
		{name: "another address", setup: signInCode, call: `SELECT * FROM app.find_sign_in_code('bob@example.org', ARRAY[$new])`, nobody: `no row`},
		{name: "an address that has changed since", setup: signInCode + `; ` + moved, call: `SELECT * FROM app.find_sign_in_code('ann@example.org', ARRAY[$new])`, nobody: `no row`},
		{name: "another purpose", call: `SELECT * FROM app.find_sign_in_code('ann@example.org', ARRAY[$reset_code])`, nobody: `no row`},
		{name: "an expired code", setup: signInCode + `; ` + expired, call: `SELECT * FROM app.find_sign_in_code('ann@example.org', ARRAY[$new])`, nobody: `no row`},
	},
	"use_sign_in_code": {
		{name: "an unknown code", call: `SELECT * FROM app.use_sign_in_code($mail)`, nobody: `no row`},
		{name: "another purpose", call: `SELECT * FROM app.use_sign_in_code($reset_code)`, nobody: `no row`},
		{name: "an expired code", setup: signInCode + `; ` + expired, call: `SELECT * FROM app.use_sign_in_code($new)`, nobody: `no row`},
		{name: "a disabled account", setup: signInCode + `; ` + disabled, call: `SELECT * FROM app.use_sign_in_code($new)`, nobody: `no row`},
		{name: "an address that has changed since", setup: signInCode + `; ` + moved, call: `SELECT * FROM app.use_sign_in_code($new)`, nobody: `no row`},
		{name: "a code of an address without an account", setup: signUpCode, call: `SELECT * FROM app.use_sign_in_code($new)`, nobody: `no row`},
		{name: "a verified address", setup: codeOfBob, call: `SELECT user_id = $bob, credential_id = $bob_codes, verified_now FROM app.use_sign_in_code($new)`, nobody: `true true false, writes codes`},
		{name: "a verified address whose owner has turned codes off", setup: codeOfBob + `; ` + noCodes, call: `SELECT * FROM app.use_sign_in_code($new)`, nobody: `no row, writes codes`},
		{
			name: "an address that is not verified", setup: signInCode + `; ` + secondFactor, call: `SELECT user_id = $ann, verified_now FROM app.use_sign_in_code($new)`,
			then: `SELECT (SELECT string_agg(kind, ' ') FROM app.credentials WHERE user_id = $ann), password_hash, (SELECT count(*) FROM app.codes WHERE user_id = $ann),
				(SELECT count(*) FROM app.sessions WHERE user_id = $ann AND revoked_at IS NULL) FROM app.accounts WHERE user_id = $ann`,
			nobody: `true true, writes accounts codes credentials recovery_codes security_events sessions user_private, then EMAIL_CODE '' 0 0`,
		},
		{
			name: "a code from before the account", setup: unownedCode, call: `SELECT user_id = $ann, verified_now FROM app.use_sign_in_code($new)`,
			nobody: `true true, writes accounts codes credentials security_events sessions user_private`,
		},
	},
	"use_sign_up_code": {
		{name: "a code of an address without an account", setup: signUpCode, call: `SELECT app.use_sign_up_code($new)`, nobody: `true, writes codes`},
		{name: "a code of an account", setup: signInCode, call: `SELECT app.use_sign_up_code($new)`, nobody: `false`},
		{name: "another purpose", call: `SELECT app.use_sign_up_code($reset_code)`, nobody: `false`},
		{name: "an expired code", setup: signUpCode + `; ` + expired, call: `SELECT app.use_sign_up_code($new)`, nobody: `false`},
	},
	"reauthenticate_with_code": {
		{name: "the viewer's code", setup: codeOfBob, call: `SELECT app.reauthenticate_with_code($new)`, nobody: `false`, other: `true, writes codes sessions`, owner: `false`},
		{name: "whose owner has turned codes off", setup: codeOfBob + `; ` + noCodes, call: `SELECT app.reauthenticate_with_code($new)`, nobody: `false`, other: `false, writes codes`, owner: `false`},
		{name: "an expired code", setup: codeOfBob + `; ` + expired, call: `SELECT app.reauthenticate_with_code($new)`, nobody: `false`},
		{name: "another purpose", call: `SELECT app.reauthenticate_with_code($reset_code)`, nobody: `false`},
	},
	"add_email_code": {
		{name: "an address that is not verified", setup: `UPDATE app.user_private SET email_verified_at = NULL`, call: `SELECT app.add_email_code()`, nobody: `null`},
		{name: "again", call: `SELECT app.add_email_code()`, nobody: `null`, other: `false`, owner: `null`},
		{name: "after it was removed", setup: noCodes, call: `SELECT app.add_email_code()`, nobody: `null`, other: `true, writes credentials security_events`, owner: `null`},
	},
	"set_password": {
		{name: "an account without one, or with one", call: `SELECT app.set_password('x')`, nobody: `false`, other: `true, writes accounts credentials security_events`, owner: `false`},
		{
			name: "an account without an address", setup: `UPDATE app.user_private SET email = NULL, email_key = NULL, email_verified_at = NULL WHERE user_id = $bob`,
			call: `SELECT app.set_password('x')`, nobody: `false`,
		},
	},
}

const (
	signInCode  = `INSERT INTO app.codes (id, purpose, email, email_key, user_id, expires_at) VALUES ($new, 'SIGN_IN', 'Ann@example.org', 'ann@example.org', $ann, now() + interval '1 hour')`
	codeOfBob   = `INSERT INTO app.codes (id, purpose, email, email_key, user_id, expires_at) VALUES ($new, 'SIGN_IN', 'bob@example.org', 'bob@example.org', $bob, now() + interval '1 hour')`
	unownedCode = `INSERT INTO app.codes (id, purpose, email, email_key, user_id, expires_at)
		VALUES ($new, 'SIGN_IN', 'Ann@example.org', 'ann@example.org', '00000000-0000-0000-0000-000000000000', now() + interval '1 hour')`
	signUpCode = `INSERT INTO app.codes (id, purpose, email, email_key, user_id, expires_at, data)
		VALUES ($new, 'SIGN_IN', 'X@example.org', 'x@example.org', '00000000-0000-0000-0000-000000000000', now() + interval '1 hour', '{"username": "x"}')`
	noCodes = `DELETE FROM app.credentials WHERE id = $bob_codes`
)
