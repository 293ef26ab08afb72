-- What the app's role gets from the definer functions is narrowed. No function returns a password hash: the app gets the
-- parameters and the salt, and the database compares. And no function returns what a one-time code can be spent with.

-- +goose Up

-- app.codes.id was what the code is derived from. It is an HMAC of the code under a key that only the server has, so only
-- who knows the code can name it. The code is derived from the id of its mail. Codes live for minutes: those from before go.
DELETE FROM app.outbox WHERE code_id IS NOT NULL;
DELETE FROM app.codes;

GRANT CREATE ON SCHEMA app TO freehold_definer; -- needed to hand functions over; taken back below

-- A PHC string without its key: what a password has to be hashed with. '' where there is no password.
-- +goose StatementBegin
CREATE FUNCTION app.salt_of(p_password_hash text) RETURNS text
  LANGUAGE sql IMMUTABLE
  AS $$ SELECT COALESCE(substring(p_password_hash FROM '^.*\$'), '') $$;
-- +goose StatementEnd
GRANT EXECUTE ON FUNCTION app.salt_of(text) TO freehold_definer;

-- What the password of a sign-in is hashed with. No row for an unknown address, and for a disabled or pending account.
DROP FUNCTION app.find_credentials(text);
-- +goose StatementBegin
CREATE FUNCTION app.find_salt(p_email_key text) RETURNS TABLE (salt text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT app.salt_of(c.password_hash)
    FROM app.user_private u JOIN app.credentials c ON c.user_id = u.user_id
   WHERE u.email_key = p_email_key AND u.pending_until IS NULL AND c.disabled_at IS NULL
$$;
-- +goose StatementEnd

-- What the password of a sign-up that waits for a code is hashed with. No row if the code is another account's, or expired.
-- +goose StatementBegin
CREATE FUNCTION app.find_pending_salt(p_code_id uuid) RETURNS TABLE (salt text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT app.salt_of(c.password_hash)
    FROM app.codes k
    JOIN app.user_private u ON u.user_id = k.user_id AND u.email_key = k.email_key
    JOIN app.credentials c ON c.user_id = k.user_id
   WHERE k.id = p_code_id AND k.purpose = 'VERIFY_EMAIL' AND k.expires_at > clock_timestamp() AND u.pending_until > now()
$$;
-- +goose StatementEnd

-- Starts a session for the account of an address, if this is the hash of its password, and if the address is verified where
-- that is asked for. Otherwise it records the refusal and returns false.
DROP FUNCTION app.sign_in(uuid, text, text, uuid, bytea, integer, integer);
-- +goose StatementBegin
CREATE FUNCTION app.sign_in(p_email_key text, p_password_hash text, p_verified_only boolean,
                            p_session_id uuid, p_refresh_hash bytea, p_idle_seconds integer, p_seconds integer)
  RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  v_user_id uuid;
BEGIN
  SELECT c.user_id INTO v_user_id
    FROM app.user_private u JOIN app.credentials c ON c.user_id = u.user_id
   WHERE u.email_key = p_email_key AND u.pending_until IS NULL AND c.disabled_at IS NULL
     AND c.password_hash = p_password_hash AND c.password_hash <> '' AND (u.email_verified_at IS NOT NULL OR NOT p_verified_only)
     FOR NO KEY UPDATE OF c;
  IF NOT FOUND THEN
    SELECT c.user_id INTO v_user_id
      FROM app.user_private u JOIN app.credentials c ON c.user_id = u.user_id
     WHERE u.email_key = p_email_key AND u.pending_until IS NULL AND c.disabled_at IS NULL;
    PERFORM app.refuse_sign_in(v_user_id);
    RETURN false;
  END IF;
  PERFORM app.start_session(v_user_id, p_session_id, p_refresh_hash, p_idle_seconds, p_seconds);
  PERFORM app.record_event(v_user_id, 'SIGNED_IN');
  RETURN true;
END
$$;
-- +goose StatementEnd
REVOKE EXECUTE ON FUNCTION app.refuse_sign_in(uuid) FROM freehold_app; -- app.sign_in and app.prove_sign_up call it

-- Replaces the viewer's password hash by another of the same password, unless it has changed.
-- +goose StatementBegin
CREATE FUNCTION app.renew_hash(p_password_hash text, p_renewed_hash text) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  UPDATE app.credentials c SET password_hash = p_renewed_hash, updated_at = now()
   WHERE c.user_id = app.viewer_id() AND c.password_hash = p_password_hash AND c.password_hash <> ''
$$;
-- +goose StatementEnd

-- What the password of a sign-up that comes again is hashed with. No row where the key has signed up nobody, or an account
-- that is disabled or overdue.
DROP FUNCTION app.find_sign_up(bytea);
-- +goose StatementBegin
CREATE FUNCTION app.find_sign_up(p_key_hash bytea) RETURNS TABLE (salt text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT app.salt_of(c.password_hash)
    FROM app.sign_up_keys k
    JOIN app.user_private u ON u.user_id = k.user_id
    JOIN app.credentials c ON c.user_id = k.user_id
   WHERE k.key_hash = p_key_hash AND c.disabled_at IS NULL AND (u.pending_until IS NULL OR u.pending_until > now())
$$;
-- +goose StatementEnd

-- The account that a key has signed up, for a caller that has its address and the hash of its password. Otherwise it records
-- the refusal of a sign-in and returns no row.
-- +goose StatementBegin
CREATE FUNCTION app.prove_sign_up(p_key_hash bytea, p_email_key text, p_password_hash text)
  RETURNS TABLE (pending boolean, is_verified boolean, fingerprint bytea)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  earlier record;
BEGIN
  SELECT k.user_id, k.fingerprint, u.pending_until IS NOT NULL AS pending, u.email_verified_at IS NOT NULL AS is_verified,
         u.email_key = p_email_key AND c.password_hash = p_password_hash AND c.password_hash <> '' AS proved
    INTO earlier
    FROM app.sign_up_keys k
    JOIN app.user_private u ON u.user_id = k.user_id
    JOIN app.credentials c ON c.user_id = k.user_id
   WHERE k.key_hash = p_key_hash AND c.disabled_at IS NULL AND (u.pending_until IS NULL OR u.pending_until > now());
  IF earlier.proved THEN
    RETURN QUERY SELECT earlier.pending, earlier.is_verified, earlier.fingerprint;
  ELSE
    PERFORM app.refuse_sign_in(earlier.user_id);
  END IF;
END
$$;
-- +goose StatementEnd

-- The code of an address that has one of these ids and is still valid: the ids that it has under each key of the server. The
-- names are what its account calls itself.
DROP FUNCTION app.find_codes(text, text);
-- +goose StatementBegin
CREATE FUNCTION app.find_code(p_purpose text, p_email_key text, p_ids uuid[])
  RETURNS TABLE (id uuid, user_id uuid, email text, username text, display_name text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT k.id, k.user_id, k.email, p.username, p.display_name
    FROM app.codes k JOIN app.profiles p ON p.user_id = k.user_id
   WHERE k.id = ANY (p_ids) AND k.email_key = p_email_key AND k.purpose = p_purpose AND k.expires_at > clock_timestamp()
   LIMIT 1
$$;
-- +goose StatementEnd

-- Claims mails that are due, the longest waiting first, for as long as a lease; a worker that is killed with a mail in hand
-- leaves it to the next after that. Several workers may claim at once, and no two get the same. It tells whether there is a
-- code in the mail, but not the id of the code.
DROP FUNCTION app.claim_mails(integer, double precision);
-- +goose StatementBegin
CREATE FUNCTION app.claim_mails(p_limit integer, p_lease_seconds double precision)
  RETURNS TABLE (id uuid, kind text, recipient text, has_code boolean, data jsonb, created_at timestamptz, attempt integer,
                 valid_seconds double precision)
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  WITH due AS MATERIALIZED ( -- once, whatever the plan, or the limit would not hold
    SELECT o.id
      FROM app.outbox o
     WHERE o.sent_at IS NULL AND o.parked_at IS NULL AND o.next_attempt_at <= clock_timestamp()
     ORDER BY o.next_attempt_at
     LIMIT p_limit
       FOR UPDATE SKIP LOCKED
  )
  UPDATE app.outbox o
     SET attempts = o.attempts + 1, next_attempt_at = clock_timestamp() + make_interval(secs => p_lease_seconds)
    FROM due
   WHERE o.id = due.id
  RETURNING o.id, o.kind, o.recipient, o.code_id IS NOT NULL, o.data, o.created_at, o.attempts,
            extract(epoch FROM o.expires_at - clock_timestamp())::double precision
$$;
-- +goose StatementEnd

-- What the viewer's password is hashed with.
DROP FUNCTION app.find_own_credentials();
-- +goose StatementBegin
CREATE FUNCTION app.find_own_salt() RETURNS text
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT app.salt_of(c.password_hash) FROM app.credentials c WHERE c.user_id = app.viewer_id()
$$;
-- +goose StatementEnd

-- Whether this is the viewer's password hash.
-- +goose StatementBegin
CREATE FUNCTION app.is_own_hash(p_password_hash text) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT EXISTS (SELECT FROM app.credentials c
                  WHERE c.user_id = app.viewer_id() AND c.password_hash = p_password_hash AND c.password_hash <> '')
$$;
-- +goose StatementEnd

-- Notes that the viewer has proved himself again, unless the hash is not the one that was verified any more: then false.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION app.reauthenticate(p_seen_hash text) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  PERFORM FROM app.credentials c WHERE c.user_id = app.viewer_id() AND c.password_hash = p_seen_hash AND c.password_hash <> '' FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  UPDATE app.sessions SET authenticated_at = clock_timestamp() WHERE id = app.session_id() AND user_id = app.viewer_id();
  PERFORM app.record_event(app.viewer_id(), 'REAUTHENTICATED');
  RETURN true;
END
$$;
-- +goose StatementEnd

-- Changes the viewer's password and ends all but the session that asks. Returns to which address that is to be told; no
-- row where the hash is not the one that was verified any more.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION app.change_password(p_seen_hash text, p_password_hash text) RETURNS TABLE (email text, username text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  UPDATE app.credentials c SET password_hash = p_password_hash, updated_at = now()
   WHERE c.user_id = app.viewer_id() AND c.password_hash = p_seen_hash AND c.password_hash <> '';
  IF NOT FOUND THEN
    RETURN;
  END IF;
  PERFORM app.shut_out(app.viewer_id(), app.session_id());
  UPDATE app.sessions s SET authenticated_at = clock_timestamp() WHERE s.id = app.session_id() AND s.user_id = app.viewer_id();
  PERFORM app.record_event(app.viewer_id(), 'PASSWORD_CHANGED');
  RETURN QUERY SELECT u.email, app.proved_name(u, p) FROM app.user_private u JOIN app.profiles p ON p.user_id = u.user_id WHERE u.user_id = app.viewer_id();
END
$$;
-- +goose StatementEnd

-- Deletes the viewer's account with all that refers to it, and holds its username for nobody. Returns to which address
-- that is to be told; no row where the hash is not the one that was verified any more.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION app.delete_account(p_seen_hash text, p_hold_seconds double precision) RETURNS TABLE (email text, username text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  mine record;
BEGIN
  PERFORM FROM app.credentials c WHERE c.user_id = app.viewer_id() AND c.password_hash = p_seen_hash AND c.password_hash <> '' FOR UPDATE;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  SELECT u.email, app.proved_name(u, p) AS username, p.username_key INTO STRICT mine
    FROM app.user_private u JOIN app.profiles p ON p.user_id = u.user_id
   WHERE u.user_id = app.viewer_id()
     FOR NO KEY UPDATE OF p; -- its username may be changed at this very moment
  PERFORM app.hold_username(mine.username_key, NULL, now() + make_interval(secs => p_hold_seconds));
  DELETE FROM app.outbox o USING app.codes k WHERE k.user_id = app.viewer_id() AND o.code_id = k.id AND o.sent_at IS NULL AND o.parked_at IS NULL;
  DELETE FROM app.codes k WHERE k.user_id = app.viewer_id();
  DELETE FROM app.users x WHERE x.id = app.viewer_id();
  RETURN QUERY SELECT mine.email, mine.username;
END
$$;
-- +goose StatementEnd

-- Each of these deletes some rows that have been over for so many seconds, as before; a negative time, by which rows would be
-- deleted that are not over, is taken for 0.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION app.purge_outbox(p_limit integer, p_over_seconds double precision) RETURNS bigint
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  WITH past AS MATERIALIZED (
    SELECT o.id FROM app.outbox o
     WHERE o.created_at < now() - make_interval(secs => GREATEST(p_over_seconds, 0))
     LIMIT p_limit
       FOR UPDATE SKIP LOCKED
  ), deleted AS (
    DELETE FROM app.outbox o USING past WHERE o.id = past.id RETURNING 1
  )
  SELECT count(*) FROM deleted
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION app.purge_rate_limits(p_limit integer, p_over_seconds double precision) RETURNS bigint
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  WITH past AS MATERIALIZED (
    SELECT r.bucket FROM app.rate_limits r
     WHERE r.ends_at < now() - make_interval(secs => GREATEST(p_over_seconds, 0))
     LIMIT p_limit
       FOR UPDATE SKIP LOCKED
  ), deleted AS (
    DELETE FROM app.rate_limits r USING past WHERE r.bucket = past.bucket RETURNING 1
  )
  SELECT count(*) FROM deleted
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION app.purge_events(p_limit integer, p_over_seconds double precision) RETURNS bigint
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  WITH past AS MATERIALIZED (
    SELECT e.id FROM app.security_events e
     WHERE e.created_at < now() - make_interval(secs => GREATEST(p_over_seconds, 0))
     LIMIT p_limit
       FOR UPDATE SKIP LOCKED
  ), deleted AS (
    DELETE FROM app.security_events e USING past WHERE e.id = past.id RETURNING 1
  )
  SELECT count(*) FROM deleted
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION app.purge_sessions(p_limit integer, p_over_seconds double precision) RETURNS bigint
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  WITH past AS MATERIALIZED (
    SELECT s.id FROM app.sessions s
     WHERE s.expires_at < now() - make_interval(secs => GREATEST(p_over_seconds, 0))
     LIMIT p_limit
       FOR UPDATE SKIP LOCKED
  ), deleted AS (
    DELETE FROM app.sessions s USING past WHERE s.id = past.id RETURNING 1
  )
  SELECT count(*) FROM deleted
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION app.purge_codes(p_limit integer, p_over_seconds double precision) RETURNS bigint
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  WITH past AS MATERIALIZED (
    SELECT k.id FROM app.codes k
     WHERE k.expires_at < now() - make_interval(secs => GREATEST(p_over_seconds, 0))
     LIMIT p_limit
       FOR UPDATE SKIP LOCKED
  ), deleted AS (
    DELETE FROM app.codes k USING past WHERE k.id = past.id RETURNING 1
  )
  SELECT count(*) FROM deleted
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION app.purge_held_usernames(p_limit integer, p_over_seconds double precision) RETURNS bigint
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  WITH past AS MATERIALIZED (
    SELECT h.username_key FROM app.held_usernames h
     WHERE h.held_until < now() - make_interval(secs => GREATEST(p_over_seconds, 0))
     LIMIT p_limit
       FOR UPDATE SKIP LOCKED
  ), deleted AS (
    DELETE FROM app.held_usernames h USING past WHERE h.username_key = past.username_key RETURNING 1
  )
  SELECT count(*) FROM deleted
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION app.purge_sign_up_keys(p_limit integer, p_over_seconds double precision) RETURNS bigint
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  WITH past AS MATERIALIZED (
    SELECT k.key_hash FROM app.sign_up_keys k
     WHERE k.created_at < now() - make_interval(secs => GREATEST(p_over_seconds, 0))
     LIMIT p_limit
       FOR UPDATE SKIP LOCKED
  ), deleted AS (
    DELETE FROM app.sign_up_keys k USING past WHERE k.key_hash = past.key_hash RETURNING 1
  )
  SELECT count(*) FROM deleted
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION app.purge_pending(p_limit integer, p_over_seconds double precision) RETURNS bigint
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  WITH past AS MATERIALIZED (
    SELECT u.user_id FROM app.user_private u
     WHERE u.pending_until < now() - make_interval(secs => GREATEST(p_over_seconds, 0))
     LIMIT p_limit
       FOR UPDATE SKIP LOCKED
  ), deleted AS (
    DELETE FROM app.users u USING past WHERE u.id = past.user_id RETURNING 1
  )
  SELECT count(*) FROM deleted
$$;
-- +goose StatementEnd

GRANT EXECUTE ON FUNCTION
  app.find_salt(text),
  app.find_pending_salt(uuid),
  app.sign_in(text, text, boolean, uuid, bytea, integer, integer),
  app.renew_hash(text, text),
  app.find_sign_up(bytea),
  app.prove_sign_up(bytea, text, text),
  app.find_code(text, text, uuid[]),
  app.claim_mails(integer, double precision),
  app.find_own_salt(),
  app.is_own_hash(text)
  TO freehold_app;
ALTER FUNCTION app.find_salt(text) OWNER TO freehold_definer;
ALTER FUNCTION app.find_pending_salt(uuid) OWNER TO freehold_definer;
ALTER FUNCTION app.sign_in(text, text, boolean, uuid, bytea, integer, integer) OWNER TO freehold_definer;
ALTER FUNCTION app.renew_hash(text, text) OWNER TO freehold_definer;
ALTER FUNCTION app.find_sign_up(bytea) OWNER TO freehold_definer;
ALTER FUNCTION app.prove_sign_up(bytea, text, text) OWNER TO freehold_definer;
ALTER FUNCTION app.find_code(text, text, uuid[]) OWNER TO freehold_definer;
ALTER FUNCTION app.claim_mails(integer, double precision) OWNER TO freehold_definer;
ALTER FUNCTION app.find_own_salt() OWNER TO freehold_definer;
ALTER FUNCTION app.is_own_hash(text) OWNER TO freehold_definer;

REVOKE CREATE ON SCHEMA app FROM freehold_definer;
