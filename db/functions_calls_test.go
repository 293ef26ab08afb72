package db_test

var callsWithoutViewer = []call{
	{sql: `SELECT app.enter($ann_session, 1000) = $ann`, nobody: `true`},
	{sql: `SELECT app.enter($new, 1000)`, nobody: `FH003 session is not valid`},
	{sql: `SELECT app.taken('ann@example.org', 'ann')`, nobody: `(t,t)`},
	{
		sql:    `SELECT app.sign_up($new, 'x@example.org', 'x@example.org', 'x', 'x', $new, 'x', 60, 60, NULL, NULL, NULL)`,
		nobody: `void, writes credentials security_events sessions user_private users`,
	},
	{
		sql:    `SELECT app.sign_up($new, 'x@example.org', 'ann@example.org', 'x', 'x', $new, 'x', 60, 60, NULL, NULL, NULL)`,
		nobody: `23505 duplicate key value violates unique constraint "user_private_email_key"`,
	},
	{sql: `SELECT salt FROM app.find_salt('ann@example.org')`, nobody: `$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$`},
	{sql: `SELECT salt FROM app.find_salt('bob@example.org')`, nobody: `''`},
	{sql: `SELECT salt FROM app.find_salt('p@example.org')`, nobody: `no row`},
	{sql: `SELECT salt FROM app.find_salt('x@example.org')`, nobody: `no row`},
	{sql: `SELECT app.sign_in('ann@example.org', $guess, false, $new, 'x', 60, 60)`, nobody: `false, writes security_events`},
	{sql: `SELECT app.sign_in('bob@example.org', '', false, $new, 'x', 60, 60)`, nobody: `false, writes security_events`},
	{sql: `SELECT app.sign_in('p@example.org', $hash, false, $new, 'x', 60, 60)`, nobody: `false, writes security_events`},
	{sql: `SELECT app.sign_in('x@example.org', $guess, false, $new, 'x', 60, 60)`, nobody: `false, writes security_events`},
	{sql: `SELECT app.sign_in('ann@example.org', $hash, true, $new, 'x', 60, 60)`, nobody: `false, writes security_events`},
	{sql: `SELECT app.sign_in('ann@example.org', $hash, false, $new, 'x', 60, 60)`, nobody: `true, writes security_events sessions`},
	{sql: `SELECT salt FROM app.find_sign_up('key')`, nobody: `$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$`},
	{sql: `SELECT salt FROM app.find_sign_up('x')`, nobody: `no row`},
	{sql: `SELECT * FROM app.prove_sign_up('key', 'ann@example.org', $guess)`, nobody: `no row, writes security_events`},
	{sql: `SELECT * FROM app.prove_sign_up('key', 'bob@example.org', $hash)`, nobody: `no row, writes security_events`},
	{sql: `SELECT * FROM app.prove_sign_up('key', 'ann@example.org', $hash)`, nobody: `false false fingerprint`},
	{sql: `SELECT * FROM app.prove_sign_up('x', 'ann@example.org', $hash)`, nobody: `no row, writes security_events`},
	{sql: `SELECT outcome, user_id, current_hash FROM app.refresh_session($ann_session, 'x', 'next', false, 10, 60)`, nobody: `invalid null null`},
	{
		sql:    `SELECT outcome, user_id, current_hash FROM app.refresh_session($ann_session, 'x', 'next', true, 10, 60)`,
		nobody: `reused null null, writes security_events sessions`,
	},
	{
		sql:    `SELECT outcome, user_id = $ann, current_hash FROM app.refresh_session($ann_session, 'token', 'next', true, 10, 60)`,
		nobody: `rotated true next, writes sessions`,
	},
	{sql: `SELECT app.sign_out($ann_session, 'x', false)`, nobody: `false`},
	{sql: `SELECT app.sign_out($ann_session, 'x', true)`, nobody: `true, writes security_events sessions`},
	{sql: `SELECT app.sign_out($ann_session, 'token', false)`, nobody: `true, writes security_events sessions`},
	{sql: `SELECT app.is_known_client('ann@example.org', '10.0.0.0/24')`, nobody: `true`},
	{sql: `SELECT app.count_hit('bucket', 3, 60) > 0`, nobody: `true, writes rate_limits`},
	{sql: `SELECT app.clear_hits('bucket')`, nobody: `void, writes rate_limits`},
	{sql: `SELECT app.is_held('held')`, nobody: `true`, owner: `false`},
}

var callsOfCodes = []call{
	{sql: `SELECT email, username, is_known FROM app.request_code($new, 'RESET_PASSWORD', 'x', 'ann@example.org', 60)`, nobody: `Ann@example.org '' true, writes codes`},
	{sql: `SELECT email, username, is_known FROM app.request_code($new, 'RESET_PASSWORD', 'x', 'x@example.org', 60)`, nobody: `x '' false, writes codes`},
	{sql: `SELECT email, username, is_known FROM app.request_code($new, 'CHANGE_EMAIL', 'x', 'ann@example.org', 60)`, nobody: `x '' false, writes codes`},
	{sql: `SELECT * FROM app.find_code('RESET_PASSWORD', 'ann@example.org', ARRAY[$new, $mail, $verify_code])`, nobody: `no row`},
	{sql: `SELECT * FROM app.find_code('RESET_PASSWORD', 'bob@example.org', ARRAY[$reset_code])`, nobody: `no row`},
	{
		sql:    `SELECT user_id = $ann, email, username, display_name FROM app.find_code('RESET_PASSWORD', 'ann@example.org', ARRAY[$new, $reset_code])`,
		nobody: `true Ann@example.org Ann Ann A.`,
	},
	{sql: `SELECT * FROM app.reset_password($mail, 'x')`, nobody: `no row`},
	{sql: `SELECT * FROM app.reset_password($verify_code, 'x')`, nobody: `no row`},
	{sql: `SELECT * FROM app.reset_password($reset_code, 'x')`, nobody: `Ann@example.org Ann, writes codes credentials security_events sessions user_private`},
	{sql: `SELECT user_id = $ann, password_cleared FROM app.verify_email($reset_code, $new, 'x', 60, 60)`, nobody: `no row`},
	{
		sql:    `SELECT user_id = $ann, password_cleared FROM app.verify_email($verify_code, $new, 'x', 60, 60)`,
		nobody: `true true, writes codes credentials security_events sessions user_private`, owner: `true false, writes codes security_events user_private`,
	},
	{sql: `SELECT app.request_email_change($new, 'x@example.org', 'x@example.org', 60)`, nobody: `FH003 the account is gone`, other: `null, writes codes`},
	{
		sql:    `SELECT app.request_email_change($new, 'x', 'bob@example.org', 60)`,
		nobody: `FH003 the account is gone`, other: `null, writes codes`, owner: `bob@example.org, writes codes`,
	},
	{sql: `SELECT * FROM app.change_email($verify_code)`, nobody: `no row`},
	{sql: `SELECT * FROM app.change_email($change_code)`, nobody: `no row`, owner: `Ann@example.org ann@example.net '', writes codes security_events user_private`},
	// A code with an id of the caller's own choice: what the role can do nevertheless, as docs/security.md says.
	{
		sql:    `SELECT (app.request_code($new, 'RESET_PASSWORD', 'x', 'ann@example.org', 60)).is_known, app.reset_password($new, 'x')`,
		nobody: `true (Ann@example.org,Ann), writes codes credentials security_events sessions user_private`,
	},
	{
		sql:    `SELECT app.request_email_change($new, 'x@example.org', 'x@example.org', 60), app.change_email($new)`,
		nobody: `FH003 the account is gone`,
		other:  `null (bob@example.org,x@example.org,""), writes codes security_events user_private`,
		owner:  `null (Ann@example.org,x@example.org,""), writes codes security_events user_private`,
	},
	{sql: `SELECT app.await_verification($new, 60, false)`, nobody: `P0002 query returned no rows`},
}

var callsOfMail = []call{
	{sql: `SELECT app.enqueue_mail($new, 'x', NULL, 'x@example.org', NULL, '{}', 60, false)`, nobody: `void, writes outbox`},
	{
		sql:    `SELECT id = $mail, kind, recipient, has_code, data, attempt FROM app.claim_mails(10, 60)`,
		nobody: `true reset_password Ann@example.org true {} 1, writes outbox`,
	},
	{sql: `SELECT app.settle_mail($mail, 0, 'sent', 0, NULL)`, nobody: `true, writes outbox`},
	{sql: `SELECT app.count_waiting_mails()`, nobody: `1`},
	{sql: `SELECT app.purge_outbox(10, -1e9)`, nobody: `1, writes outbox`},
	{sql: `SELECT app.purge_rate_limits(10, -1e9)`, nobody: `0`},
	{sql: `SELECT app.purge_events(10, -1e9)`, nobody: `1, writes security_events`},
	{sql: `SELECT app.purge_sessions(10, -1e9)`, nobody: `0`},
	{sql: `SELECT app.purge_codes(10, -1e9)`, nobody: `0`},
	{sql: `SELECT app.purge_held_usernames(10, -1e9)`, nobody: `0`},
	{sql: `SELECT app.purge_sign_up_keys(10, -1e9)`, nobody: `1, writes sign_up_keys`},
	{sql: `SELECT app.purge_pending(10, -1e9)`, nobody: `0`},
}

var callsOfOwners = []call{
	{sql: `SELECT app.revoke_session($ann_session)`, nobody: `false`, owner: `true, writes security_events sessions`},
	{sql: `SELECT count(*) FROM app.revoke_other_sessions()`, nobody: `FH003 there is no session`, other: `0`, owner: `1, writes security_events sessions`, forged: `0`},
	{sql: `SELECT app.pending_email($ann)`, nobody: `null`, owner: `ann@example.net`},
	{sql: `SELECT app.has_password($ann)`, nobody: `null`, owner: `true`},
	{sql: `SELECT app.recent_until($ann, 60) IS NOT NULL`, nobody: `false`, owner: `true`, forged: `false`},
	{sql: `SELECT app.closed_until($ann, '{bucket}', '{3}') IS NOT NULL`, nobody: `false`, owner: `true`},
	{sql: `SELECT app.require_recent(60)`, nobody: `FH003 there is no session`, other: `void`, forged: `FH004 the sign-in was too long ago`},
	{sql: `SELECT app.find_own_salt()`, nobody: `null`, other: `''`, owner: `$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$`},
	{sql: `SELECT app.is_own_hash($guess)`, nobody: `false`},
	{sql: `SELECT app.is_own_hash('')`, nobody: `false`},
	{sql: `SELECT app.is_own_hash($hash)`, nobody: `false`, owner: `true`},
	{sql: `SELECT app.renew_hash($guess, 'x')`, nobody: `void`},
	{sql: `SELECT app.renew_hash('', 'x')`, nobody: `void`},
	{sql: `SELECT app.renew_hash($hash, 'x')`, nobody: `void`, owner: `void, writes credentials`},
	{sql: `SELECT app.reauthenticate($guess)`, nobody: `false`},
	{sql: `SELECT app.reauthenticate('')`, nobody: `false`},
	{sql: `SELECT app.reauthenticate($hash)`, nobody: `false`, owner: `true, writes security_events sessions`, forged: `true, writes security_events`},
	{sql: `SELECT * FROM app.change_password($guess, 'x')`, nobody: `no row`},
	{sql: `SELECT * FROM app.change_password('', 'x')`, nobody: `no row`},
	{sql: `SELECT * FROM app.change_password($hash, 'x')`, nobody: `no row`, owner: `Ann@example.org '', writes codes credentials security_events sessions`},
	{sql: `SELECT * FROM app.delete_account($guess, 60)`, nobody: `no row`},
	{sql: `SELECT * FROM app.delete_account('', 60)`, nobody: `no row`},
	{
		sql:    `SELECT * FROM app.delete_account($hash, 60)`,
		nobody: `no row`, owner: `Ann@example.org '', writes codes credentials held_usernames outbox profile_private profiles security_events sessions sign_up_keys user_private users`,
	},
	{sql: `SELECT app.change_username('x', 'x', 60)`, nobody: `FH003 the account is gone`, other: `true, writes held_usernames profiles security_events`},
	{
		sql:    `SELECT app.change_username('held', 'held', 60)`,
		nobody: `FH003 the account is gone`, other: `false, writes profiles`, owner: `true, writes held_usernames profiles security_events`,
	},
}

var callsRefused = []call{
	{sql: `SELECT app.start_session($ann, $new, 'x', 60, 60)`, nobody: `42501 permission denied for function start_session`},
	{sql: `SELECT app.record_event($ann, 'x')`, nobody: `42501 permission denied for function record_event`},
	{sql: `SELECT app.refuse_sign_in($ann)`, nobody: `42501 permission denied for function refuse_sign_in`},
	{sql: `SELECT app.drop_overdue('ann')`, nobody: `42501 permission denied for function drop_overdue`},
	{sql: `SELECT app.hold_username('x', $bob, now())`, nobody: `42501 permission denied for function hold_username`},
	{sql: `SELECT app.put_code($new, 'RESET_PASSWORD', 'x', 'ann@example.org', $ann, 60)`, nobody: `42501 permission denied for function put_code`},
	{sql: `SELECT app.shut_out($ann, NULL)`, nobody: `42501 permission denied for function shut_out`},
	{sql: `SELECT app.silence_rivals('ann@example.org', $bob)`, nobody: `42501 permission denied for function silence_rivals`},
}
