package db_test

// factorOutcomes are the outcomes of the functions of second factors. With secondFactor, ann has an app and a recovery code.
var factorOutcomes = map[string][]outcome{
	"has_second_factor": {
		{name: "an app", setup: secondFactor, call: `SELECT app.has_second_factor($ann)`, inside: `true`},
		{name: "a passkey", setup: passkey, call: `SELECT app.has_second_factor($ann)`, inside: `false`},
	},
	"add_totp": {
		{
			name: "the first app", call: `SELECT app.add_totp($new, 'Phone', 'sealed', 7, '{a,b}')`, then: `SELECT count(*) FROM app.recovery_codes`,
			nobody: `FH003 there is no session`, other: `true, writes credentials recovery_codes security_events totp_secrets, then 2`,
		},
		{
			name: "another app", setup: secondFactor, call: `SELECT app.add_totp($new, 'Tablet', 'sealed', 7, '{a,b}')`, then: `SELECT count(*) FROM app.recovery_codes WHERE user_id = $ann`,
			nobody: `FH003 there is no session`, other: `true, writes credentials recovery_codes security_events totp_secrets, then 1`,
			owner: `false, writes credentials security_events totp_secrets, then 1`,
		},
	},
	"put_recovery_codes": {
		{name: "new ones", setup: secondFactor, call: `SELECT app.put_recovery_codes($ann, '{a,b}')`, then: `SELECT count(*) FROM app.recovery_codes`, inside: `void, writes recovery_codes security_events, then 2`},
	},
	"create_recovery_codes": {
		{
			name: "with an app", setup: secondFactor, call: `SELECT app.create_recovery_codes('{a,b}')`, then: `SELECT count(*) FROM app.recovery_codes`,
			nobody: `false, then 1`, owner: `true, writes recovery_codes security_events, then 2`,
		},
		{name: "without an app", call: `SELECT app.create_recovery_codes('{a,b}')`, nobody: `false`},
	},
	"recovery_codes_left": {
		{name: "one", setup: secondFactor, call: `SELECT app.recovery_codes_left($ann)`, nobody: `null`, owner: `1`},
		{name: "used", setup: secondFactor + `; UPDATE app.recovery_codes SET used_at = now()`, call: `SELECT app.recovery_codes_left($ann)`, nobody: `null`, owner: `0`},
	},
	"totp_secrets_of": {
		{name: "an app", setup: app, call: `SELECT secret FROM app.totp_secrets_of($ann)`, nobody: `sealed`},
		{name: "of another user", setup: app, call: `SELECT secret FROM app.totp_secrets_of($bob)`, nobody: `no row`},
	},
	"use_totp_step": {
		{name: "a later step", setup: app, call: `SELECT app.use_totp_step($ann, $totp, 8)`, nobody: `true, writes credentials totp_secrets`},
		{name: "the same step", setup: app, call: `SELECT app.use_totp_step($ann, $totp, 7)`, nobody: `false`},
		{name: "for another user", setup: app, call: `SELECT app.use_totp_step($bob, $totp, 8)`, nobody: `false`},
		{name: "of an unknown app", setup: app, call: `SELECT app.use_totp_step($ann, $new, 8)`, nobody: `false`},
	},
	"use_recovery_code": {
		{
			name: "once", setup: secondFactor, call: `SELECT * FROM app.use_recovery_code($ann, 'code')`,
			nobody: `0 Ann@example.org ann@example.org '' false, writes recovery_codes security_events`,
		},
		{
			name: "of an account with a verified address", setup: secondFactor + `;` + verified, call: `SELECT * FROM app.use_recovery_code($ann, 'code')`,
			nobody: `0 Ann@example.org ann@example.org Ann true, writes recovery_codes security_events`,
		},
		{name: "again", setup: secondFactor + `; UPDATE app.recovery_codes SET used_at = now()`, call: `SELECT * FROM app.use_recovery_code($ann, 'code')`, nobody: `no row`},
		{name: "of another user", setup: secondFactor, call: `SELECT * FROM app.use_recovery_code($bob, 'code')`, nobody: `no row`},
	},
	"prove_second_factor": {
		{
			name: "after a first factor", call: `SELECT app.prove_second_factor('{otp,mfa}', 60, '{PASSWORD}')`, then: `SELECT amr, second_factor_at IS NOT NULL FROM app.sessions WHERE id = $ann_session`,
			nobody: `FH003 there is no session`, other: `void, writes sessions, then {} false`, owner: `void, writes sessions, then {mfa,otp} true`,
			forged: `FH004 the last proof of a first factor was too long ago`,
		},
		{
			name: "long after it", setup: longAgo, call: `SELECT app.prove_second_factor('{otp,mfa}', 60, '{PASSWORD}')`,
			nobody: `FH003 there is no session`, other: `FH004 the last proof of a first factor was too long ago`,
		},
	},
	"record_refused_second_factor": {
		{name: "with an app", setup: secondFactor, call: `SELECT app.record_refused_second_factor($ann)`, nobody: `void, writes security_events`},
		{name: "without an app", call: `SELECT app.record_refused_second_factor($ann)`, nobody: `void`},
	},
	"guess_continuation": {
		{name: "a guess", call: `SELECT app.guess_continuation('flow', 'SIGN_UP', 1)`, nobody: `true, writes continuations`},
		{name: "one too many", call: `SELECT app.guess_continuation('flow', 'SIGN_UP', 0)`, nobody: `false`},
		{name: "for another purpose", call: `SELECT app.guess_continuation('flow', 'TOTP', 1)`, nobody: `false`},
		{name: "after the end", setup: `UPDATE app.continuations SET expires_at = now()`, call: `SELECT app.guess_continuation('flow', 'SIGN_UP', 1)`, nobody: `false`},
	},
	"acceptable_factors": {
		{name: "without a viewer", call: `SELECT app.acceptable_factors(60, '{PASSWORD,PASSKEY,TOTP,i}')`, inside: `''`},
		{name: "first factors", setup: asAnn + inAnnsSession + longAgo + `;` + passkey, call: `SELECT app.acceptable_factors(60, '{PASSWORD,PASSKEY,TOTP,i}')`, inside: `PASSWORD PASSKEY`},
		{name: "first factors, although they are recent", setup: asAnn + inAnnsSession + passkey, call: `SELECT app.acceptable_factors(60, '{PASSWORD,PASSKEY,TOTP,i}')`, inside: `PASSWORD PASSKEY`},
		{name: "a provider that can be asked again", setup: asAnn + inAnnsSession + longAgo + `;` + storedIdentity, call: `SELECT app.acceptable_factors(60, '{PASSWORD,i}')`, inside: `PASSWORD OAUTH`},
		{name: "a provider that cannot", setup: asAnn + inAnnsSession + longAgo + `;` + storedIdentity, call: `SELECT app.acceptable_factors(60, '{PASSWORD,OAUTH,j}')`, inside: `PASSWORD`},
		{name: "none that the service can check", setup: asAnn + inAnnsSession + longAgo + `;` + passkey, call: `SELECT app.acceptable_factors(60, NULL)`, inside: `''`},
		{name: "first factors before second ones", setup: asAnn + inAnnsSession + longAgo + `;` + secondFactor, call: `SELECT app.acceptable_factors(60, '{PASSWORD,PASSKEY,TOTP,i}')`, inside: `PASSWORD`},
		{name: "second factors", setup: asAnn + inAnnsSession + secondFactor, call: `SELECT app.acceptable_factors(60, '{PASSWORD,PASSKEY,TOTP,i}')`, inside: `TOTP RECOVERY_CODE`},
		{name: "without recovery codes", setup: asAnn + inAnnsSession + secondFactor + `; DELETE FROM app.recovery_codes`, call: `SELECT app.acceptable_factors(60, '{PASSWORD,PASSKEY,TOTP,i}')`, inside: `TOTP`},
	},
	"require_second_factor": {
		{name: "an account without one", setup: longAgo, call: `SELECT app.require_second_factor(60, '{PASSWORD}')`, nobody: `void`},
		{
			name: "only a first factor", setup: secondFactor, call: `SELECT app.require_second_factor(60, '{PASSWORD}')`, nobody: `void`,
			owner: `FH004 the last sign-in or reauthentication was too long ago`,
		},
		{
			name: "both factors", setup: secondFactor + `;` + strong, call: `SELECT app.require_second_factor(60, '{PASSWORD}')`, nobody: `void`,
			owner: `void`, forged: `FH004 the last sign-in or reauthentication was too long ago`,
		},
	},
	"totp_secrets_except": {
		{name: "with another mark", setup: app, call: `SELECT secret FROM app.totp_secrets_except('{seat,x}', 10)`, nobody: `sealed`},
		{name: "with one of the marks", setup: app, call: `SELECT secret FROM app.totp_secrets_except('{x,sea}', 10)`, nobody: `no row`},
		{name: "without marks", setup: app, call: `SELECT secret FROM app.totp_secrets_except('{}', 10)`, nobody: `sealed`},
		{name: "none at all", setup: app, call: `SELECT secret FROM app.totp_secrets_except('{}', 0)`, nobody: `no row`},
	},
	"reseal_totp_secret": {
		{name: "the same secret", setup: app, call: `SELECT app.reseal_totp_secret($totp, 'sealed', 'again')`, nobody: `true, writes totp_secrets`},
		{name: "another secret", setup: app, call: `SELECT app.reseal_totp_secret($totp, 'other', 'again')`, nobody: `false`},
	},
	"knows_client": {
		{name: "a client with a session", call: `SELECT app.knows_client($ann, '10.0.0.1')`, nobody: `true`},
		{name: "another client", call: `SELECT app.knows_client($ann, '10.0.0.2')`, nobody: `false`},
		{name: "no client", call: `SELECT app.knows_client($ann, '')`, nobody: `false`},
		{name: "after the session was revoked", setup: revoked, call: `SELECT app.knows_client($ann, '10.0.0.1')`, nobody: `false`},
		{name: "from where the access was reset", setup: `UPDATE app.accounts SET reset_ip = '10.0.0.9'`, call: `SELECT app.knows_client($ann, '10.0.0.9')`, nobody: `true`},
	},
}

const (
	// app gives ann an app whose secret is sealed, and whose step 7 was used.
	app = `INSERT INTO app.credentials (id, user_id, kind, name) VALUES ($totp, $ann, 'TOTP', 'Phone'); INSERT INTO app.totp_secrets (credential_id, secret, last_step) VALUES ($totp, 'sealed', 7)`
	// inAnnsSession makes her session that of the transaction.
	inAnnsSession = `SELECT set_config('app.session_id', $ann_session::text, true);`
	// strong makes all sessions those of users who have proved two factors.
	strong = `UPDATE app.sessions SET second_factor_at = now()`
)
