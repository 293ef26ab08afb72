-- Sessions, and the definer functions: the only ways to an account's credentials and sessions. With a policy of their
-- own a viewer could un-revoke or extend his session, so the app's role has no grant here at all.

-- +goose Up

CREATE TABLE app.sessions (
  id              uuid        PRIMARY KEY,
  user_id         uuid        NOT NULL REFERENCES app.users ON DELETE CASCADE,
  refresh_hash    bytea       NOT NULL,
  created_at      timestamptz NOT NULL DEFAULT now(),
  last_used_at    timestamptz NOT NULL DEFAULT now(),
  idle_expires_at timestamptz NOT NULL,
  expires_at      timestamptz NOT NULL,
  revoked_at      timestamptz
);
CREATE INDEX sessions_user_id ON app.sessions (user_id);
ALTER TABLE app.sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.sessions FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE (revoked_at) ON app.sessions TO freehold_definer;
CREATE POLICY sessions_owner ON app.sessions TO freehold_owner USING (true) WITH CHECK (true);
CREATE POLICY sessions_definer ON app.sessions TO freehold_definer USING (true) WITH CHECK (true);

GRANT CREATE ON SCHEMA app TO freehold_definer; -- needed to hand functions over; taken back below

-- Makes the owner of a live session the viewer of this transaction, bounds its statements, and returns the viewer.
-- Raises FH001 for a revoked session, FH002 for an expired one, FH003 for an unknown one or a disabled account.
-- +goose StatementBegin
CREATE FUNCTION app.enter(p_session_id uuid, p_timeout_ms integer) RETURNS uuid
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  s record;
BEGIN
  SELECT x.user_id, x.revoked_at IS NOT NULL AS revoked, LEAST(x.expires_at, x.idle_expires_at) <= now() AS expired,
         c.disabled_at IS NOT NULL AS disabled
    INTO s
    FROM app.sessions x JOIN app.credentials c ON c.user_id = x.user_id
   WHERE x.id = p_session_id;
  IF NOT FOUND OR s.disabled THEN
    RAISE EXCEPTION 'session is not valid' USING ERRCODE = 'FH003';
  ELSIF s.revoked THEN
    RAISE EXCEPTION 'session was revoked' USING ERRCODE = 'FH001';
  ELSIF s.expired THEN
    RAISE EXCEPTION 'session has expired' USING ERRCODE = 'FH002';
  END IF;
  PERFORM set_config('app.viewer_id', s.user_id::text, true);
  PERFORM set_config('statement_timeout', p_timeout_ms::text, true);
  RETURN s.user_id;
END
$$;
-- +goose StatementEnd

-- What sign-up and sign-in share: a session of a user, whose lifetimes are given in seconds.
-- +goose StatementBegin
CREATE FUNCTION app.start_session(p_user_id uuid, p_session_id uuid, p_refresh_hash bytea, p_idle_seconds integer, p_seconds integer)
  RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  INSERT INTO app.sessions (id, user_id, refresh_hash, idle_expires_at, expires_at)
  VALUES (p_session_id, p_user_id, p_refresh_hash, now() + make_interval(secs => p_idle_seconds), now() + make_interval(secs => p_seconds))
$$;
-- +goose StatementEnd

-- Writes an account, its credentials and its first session. The profile follows, written as its owner.
-- +goose StatementBegin
CREATE FUNCTION app.sign_up(p_user_id uuid, p_email text, p_email_key text, p_password_hash text,
                            p_session_id uuid, p_refresh_hash bytea, p_idle_seconds integer, p_seconds integer)
  RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  INSERT INTO app.users (id) VALUES (p_user_id);
  INSERT INTO app.user_private (user_id, email, email_key) VALUES (p_user_id, p_email, p_email_key);
  INSERT INTO app.credentials (user_id, password_hash) VALUES (p_user_id, p_password_hash);
  PERFORM app.start_session(p_user_id, p_session_id, p_refresh_hash, p_idle_seconds, p_seconds);
END
$$;
-- +goose StatementEnd

-- The password hash to verify a sign-in against; no row for an unknown address or a disabled account.
-- +goose StatementBegin
CREATE FUNCTION app.find_credentials(p_email_key text) RETURNS TABLE (user_id uuid, password_hash text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT c.user_id, c.password_hash
    FROM app.user_private u JOIN app.credentials c ON c.user_id = u.user_id
   WHERE u.email_key = p_email_key AND c.disabled_at IS NULL
$$;
-- +goose StatementEnd

-- Starts a session for an account whose hash is still the one that was verified, and stores the new hash if one is
-- given. False when the password was changed or the account disabled in the meantime.
-- +goose StatementBegin
CREATE FUNCTION app.sign_in(p_user_id uuid, p_seen_hash text, p_new_hash text,
                            p_session_id uuid, p_refresh_hash bytea, p_idle_seconds integer, p_seconds integer)
  RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  PERFORM FROM app.credentials c
    WHERE c.user_id = p_user_id AND c.password_hash = p_seen_hash AND c.disabled_at IS NULL
    FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  IF p_new_hash IS NOT NULL THEN
    UPDATE app.credentials SET password_hash = p_new_hash, updated_at = now() WHERE user_id = p_user_id;
  END IF;
  PERFORM app.start_session(p_user_id, p_session_id, p_refresh_hash, p_idle_seconds, p_seconds);
  RETURN true;
END
$$;
-- +goose StatementEnd

-- Ends a session of the viewer's. False when it is not his or has ended already.
-- +goose StatementBegin
CREATE FUNCTION app.revoke_session(p_session_id uuid) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  UPDATE app.sessions SET revoked_at = now()
   WHERE id = p_session_id AND user_id = app.viewer_id() AND revoked_at IS NULL;
  RETURN FOUND;
END
$$;
-- +goose StatementEnd

-- Which of an e-mail and a username belong to an account. That much is public; nothing else of the account is.
-- +goose StatementBegin
CREATE FUNCTION app.taken(p_email_key text, p_username_key text) RETURNS TABLE (email boolean, username boolean)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT EXISTS (SELECT FROM app.user_private u WHERE u.email_key = p_email_key),
         EXISTS (SELECT FROM app.profiles p WHERE p.username_key = p_username_key)
$$;
-- +goose StatementEnd

GRANT EXECUTE ON FUNCTION
  app.enter(uuid, integer),
  app.sign_up(uuid, text, text, text, uuid, bytea, integer, integer),
  app.find_credentials(text),
  app.sign_in(uuid, text, text, uuid, bytea, integer, integer),
  app.revoke_session(uuid),
  app.taken(text, text)
  TO freehold_app;
ALTER FUNCTION app.enter(uuid, integer) OWNER TO freehold_definer;
ALTER FUNCTION app.start_session(uuid, uuid, bytea, integer, integer) OWNER TO freehold_definer;
ALTER FUNCTION app.sign_up(uuid, text, text, text, uuid, bytea, integer, integer) OWNER TO freehold_definer;
ALTER FUNCTION app.find_credentials(text) OWNER TO freehold_definer;
ALTER FUNCTION app.sign_in(uuid, text, text, uuid, bytea, integer, integer) OWNER TO freehold_definer;
ALTER FUNCTION app.revoke_session(uuid) OWNER TO freehold_definer;
ALTER FUNCTION app.taken(text, text) OWNER TO freehold_definer;

REVOKE CREATE ON SCHEMA app FROM freehold_definer;
