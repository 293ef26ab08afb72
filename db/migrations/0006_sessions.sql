-- What a user sees of his sessions, and what has happened to his account. Both are his alone, and he only reads them:
-- definer functions write.

-- +goose Up

ALTER TABLE app.sessions ADD COLUMN device text, ADD COLUMN ip inet;
CREATE INDEX sessions_newest ON app.sessions (user_id, created_at, id);
DROP INDEX app.sessions_user_id;
GRANT UPDATE (device, ip) ON app.sessions TO freehold_definer;
-- Not the hashes.
GRANT SELECT (id, user_id, created_at, last_used_at, idle_expires_at, expires_at, revoked_at, device, ip) ON app.sessions TO freehold_app;
CREATE POLICY sessions_select ON app.sessions FOR SELECT TO freehold_app
  USING (user_id = app.viewer_id());

CREATE TABLE app.security_events (
  id         uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id    uuid        NOT NULL REFERENCES app.users ON DELETE CASCADE,
  kind       text        NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  device     text,
  ip         inet
);
CREATE INDEX security_events_newest ON app.security_events (user_id, created_at, id);
ALTER TABLE app.security_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.security_events FORCE ROW LEVEL SECURITY;
GRANT SELECT ON app.security_events TO freehold_app;
GRANT INSERT ON app.security_events TO freehold_definer;
CREATE POLICY security_events_owner ON app.security_events TO freehold_owner USING (true) WITH CHECK (true);
CREATE POLICY security_events_definer ON app.security_events TO freehold_definer USING (true) WITH CHECK (true);
CREATE POLICY security_events_select ON app.security_events FOR SELECT TO freehold_app
  USING (user_id = app.viewer_id());

GRANT CREATE ON SCHEMA app TO freehold_definer; -- needed to hand functions over; taken back below

-- Where this transaction's request came from, as the service has noted it; null where it has not.
-- +goose StatementBegin
CREATE FUNCTION app.client_ip() RETURNS inet
  LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT NULLIF(current_setting('app.client_ip', true), '')::inet $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION app.client_device() RETURNS text
  LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT NULLIF(current_setting('app.client_device', true), '') $$;
-- +goose StatementEnd
-- The session that the viewer of this transaction has proved, or NULL.
-- +goose StatementBegin
CREATE FUNCTION app.session_id() RETURNS uuid
  LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT NULLIF(current_setting('app.session_id', true), '')::uuid $$;
-- +goose StatementEnd
GRANT EXECUTE ON FUNCTION app.client_ip(), app.client_device(), app.session_id() TO freehold_definer;

-- Notes what has happened to an account.
-- +goose StatementBegin
CREATE FUNCTION app.record_event(p_user_id uuid, p_kind text) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  INSERT INTO app.security_events (user_id, kind, device, ip) VALUES (p_user_id, p_kind, app.client_device(), app.client_ip())
$$;
-- +goose StatementEnd
ALTER FUNCTION app.record_event(uuid, text) OWNER TO freehold_definer;

-- As before, and notes the session that was proved.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION app.enter(p_session_id uuid, p_timeout_ms integer) RETURNS uuid
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
  PERFORM set_config('app.session_id', p_session_id::text, true);
  PERFORM set_config('statement_timeout', p_timeout_ms::text, true);
  RETURN s.user_id;
END
$$;
-- +goose StatementEnd

-- As before, and keeps where the session was started.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION app.start_session(p_user_id uuid, p_session_id uuid, p_refresh_hash bytea, p_idle_seconds integer, p_seconds integer)
  RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  INSERT INTO app.sessions (id, user_id, refresh_hash, idle_expires_at, expires_at, device, ip)
  VALUES (p_session_id, p_user_id, p_refresh_hash, now() + make_interval(secs => p_idle_seconds), now() + make_interval(secs => p_seconds),
          app.client_device(), app.client_ip())
$$;
-- +goose StatementEnd

-- As before, and notes it.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION app.sign_up(p_user_id uuid, p_email text, p_email_key text, p_password_hash text,
                                       p_session_id uuid, p_refresh_hash bytea, p_idle_seconds integer, p_seconds integer)
  RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  INSERT INTO app.users (id) VALUES (p_user_id);
  INSERT INTO app.user_private (user_id, email, email_key) VALUES (p_user_id, p_email, p_email_key);
  INSERT INTO app.credentials (user_id, password_hash) VALUES (p_user_id, p_password_hash);
  PERFORM app.start_session(p_user_id, p_session_id, p_refresh_hash, p_idle_seconds, p_seconds);
  PERFORM app.record_event(p_user_id, 'SIGNED_UP');
END
$$;
-- +goose StatementEnd

-- As before, and notes it.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION app.sign_in(p_user_id uuid, p_seen_hash text, p_new_hash text,
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
  PERFORM app.record_event(p_user_id, 'SIGNED_IN');
  RETURN true;
END
$$;
-- +goose StatementEnd

-- Ends a session of the viewer's that has not ended yet, and notes whether it was the one that asks. False when it is
-- not his or has ended already.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION app.revoke_session(p_session_id uuid) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  UPDATE app.sessions SET revoked_at = now()
   WHERE id = p_session_id AND user_id = app.viewer_id() AND revoked_at IS NULL;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  PERFORM app.record_event(app.viewer_id(), CASE WHEN p_session_id = app.session_id() THEN 'SIGNED_OUT' ELSE 'SESSION_REVOKED' END);
  RETURN true;
END
$$;
-- +goose StatementEnd

-- Ends every session of the viewer's but the one that asks, and returns how many those were that had not ended yet. There
-- has to be a viewer.
-- +goose StatementBegin
CREATE FUNCTION app.revoke_other_sessions() RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  n integer;
BEGIN
  IF app.viewer_id() IS NULL THEN
    RAISE EXCEPTION 'there is no session' USING ERRCODE = 'FH003';
  END IF;
  UPDATE app.sessions SET revoked_at = now()
   WHERE user_id = app.viewer_id() AND id <> app.session_id() AND revoked_at IS NULL
     AND LEAST(expires_at, idle_expires_at) > now();
  GET DIAGNOSTICS n = ROW_COUNT;
  IF n > 0 THEN
    PERFORM app.record_event(app.viewer_id(), 'OTHER_SESSIONS_REVOKED');
  END IF;
  RETURN n;
END
$$;
-- +goose StatementEnd
GRANT EXECUTE ON FUNCTION app.revoke_other_sessions() TO freehold_app;
ALTER FUNCTION app.revoke_other_sessions() OWNER TO freehold_definer;

-- As before, and keeps from where a session was used last, and notes the reuse of a token.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION app.refresh_session(p_session_id uuid, p_presented bytea, p_successor bytea, p_genuine boolean,
                                               p_grace_seconds double precision, p_idle_seconds integer)
  RETURNS TABLE (outcome text, user_id uuid, current_hash bytea)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  s record;
BEGIN
  SELECT x.user_id, x.refresh_hash, x.previous_hash, x.rotated_at, x.revoked_at, x.expires_at, x.idle_expires_at
    INTO s
    FROM app.sessions x
   WHERE x.id = p_session_id
     FOR NO KEY UPDATE;
  IF NOT FOUND OR EXISTS (SELECT FROM app.credentials c WHERE c.user_id = s.user_id AND c.disabled_at IS NOT NULL) THEN
    RETURN QUERY SELECT 'invalid', NULL::uuid, NULL::bytea;
  ELSIF NOT p_genuine AND p_presented <> s.refresh_hash AND p_presented IS DISTINCT FROM s.previous_hash THEN
    RETURN QUERY SELECT 'invalid', NULL::uuid, NULL::bytea;
  ELSIF s.revoked_at IS NOT NULL THEN
    RETURN QUERY SELECT 'revoked', NULL::uuid, NULL::bytea;
  ELSIF LEAST(s.expires_at, s.idle_expires_at) <= clock_timestamp() THEN
    RETURN QUERY SELECT 'expired', NULL::uuid, NULL::bytea;
  ELSIF p_presented = s.refresh_hash THEN
    UPDATE app.sessions x
       SET refresh_hash = p_successor, previous_hash = p_presented, rotated_at = clock_timestamp(), last_used_at = clock_timestamp(),
           idle_expires_at = clock_timestamp() + make_interval(secs => p_idle_seconds),
           device = COALESCE(app.client_device(), x.device), ip = COALESCE(app.client_ip(), x.ip)
     WHERE x.id = p_session_id;
    RETURN QUERY SELECT 'rotated', s.user_id, p_successor;
  ELSIF p_presented = s.previous_hash AND s.rotated_at + make_interval(secs => p_grace_seconds) > clock_timestamp() THEN
    RETURN QUERY SELECT 'repeated', s.user_id, s.refresh_hash;
  ELSE
    UPDATE app.sessions x SET revoked_at = clock_timestamp() WHERE x.id = p_session_id;
    PERFORM app.record_event(s.user_id, 'REFRESH_TOKEN_REUSED');
    RETURN QUERY SELECT 'reused', NULL::uuid, NULL::bytea;
  END IF;
END
$$;
-- +goose StatementEnd

REVOKE CREATE ON SCHEMA app FROM freehold_definer;
