-- What owners may know about their account from tables that the app's role cannot read. Each function takes the id of a user
-- and returns NULL unless that user is the viewer, as for a user that does not exist.

-- +goose Up

GRANT CREATE ON SCHEMA app TO freehold_definer; -- needed to hand functions over; taken back below

-- The new address of a change of e-mail that is not confirmed yet; NULL if there is none.
-- +goose StatementBegin
CREATE FUNCTION app.pending_email(p_user_id uuid) RETURNS text
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT k.email FROM app.codes k
   WHERE k.user_id = p_user_id AND p_user_id = app.viewer_id() AND k.purpose = 'CHANGE_EMAIL' AND k.expires_at > clock_timestamp()
   ORDER BY k.expires_at DESC
   LIMIT 1
$$;
-- +goose StatementEnd

-- Whether a user can sign in with a password. The hash is empty if app.verify_email has cleared it.
-- +goose StatementBegin
CREATE FUNCTION app.has_password(p_user_id uuid) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT c.password_hash <> '' FROM app.credentials c WHERE c.user_id = p_user_id AND p_user_id = app.viewer_id()
$$;
-- +goose StatementEnd

-- Until when the session that asks may take sensitive actions without the password; NULL if that time has passed.
-- app.require_recent calls this function, so the two cannot disagree.
-- +goose StatementBegin
CREATE FUNCTION app.recent_until(p_user_id uuid, p_seconds double precision) RETURNS timestamptz
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT s.authenticated_at + make_interval(secs => p_seconds) FROM app.sessions s
   WHERE s.id = app.session_id() AND s.user_id = p_user_id AND p_user_id = app.viewer_id()
     AND s.authenticated_at + make_interval(secs => p_seconds) > now()
$$;
-- +goose StatementEnd

-- Raises FH004 if the session that asks has to enter the password again, and FH003 if there is no session.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION app.require_recent(p_seconds double precision) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  IF app.viewer_id() IS NULL THEN
    RAISE EXCEPTION 'there is no session' USING ERRCODE = 'FH003';
  END IF;
  IF app.recent_until(app.viewer_id(), p_seconds) IS NULL THEN
    RAISE EXCEPTION 'the sign-in was too long ago' USING ERRCODE = 'FH004';
  END IF;
END
$$;
-- +goose StatementEnd

-- Until when app.count_hit would find any of these buckets closed, NULL if none is. It counts nothing.
-- +goose StatementBegin
CREATE FUNCTION app.closed_until(p_user_id uuid, p_buckets text[], p_limits integer[]) RETURNS timestamptz
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT max(r.ends_at)
    FROM unnest(p_buckets, p_limits) AS b (bucket, hits) JOIN app.rate_limits r ON r.bucket = b.bucket
   WHERE p_user_id = app.viewer_id() AND r.hits >= b.hits AND r.ends_at > now()
$$;
-- +goose StatementEnd

-- Makes a code that proves a new address of the viewer, and deletes earlier ones. Returns the address of the
-- account that already has it, or NULL. The code belongs to the viewer in both cases, or app.pending_email would reveal which
-- addresses have an account. Nobody receives a code for such an address, and app.change_email could not use it.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION app.request_email_change(p_id uuid, p_email text, p_email_key text, p_valid_seconds double precision) RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  taken text;
BEGIN
  PERFORM FROM app.credentials c WHERE c.user_id = app.viewer_id() FOR KEY SHARE; -- as in request_code
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the account is gone' USING ERRCODE = 'FH003';
  END IF;
  SELECT u.email INTO taken FROM app.user_private u WHERE u.email_key = p_email_key AND u.pending_until IS NULL AND u.user_id <> app.viewer_id();
  DELETE FROM app.codes k WHERE k.user_id = app.viewer_id() AND k.purpose = 'CHANGE_EMAIL';
  PERFORM app.put_code(p_id, 'CHANGE_EMAIL', p_email, p_email_key, app.viewer_id(), p_valid_seconds);
  RETURN taken;
END
$$;
-- +goose StatementEnd

-- Ends every session of the viewer but the one that asks. Returns the ids of those that had not ended, the newest first.
-- Raises FH003 if there is no viewer.
DROP FUNCTION app.revoke_other_sessions();
-- +goose StatementBegin
CREATE FUNCTION app.revoke_other_sessions() RETURNS TABLE (id uuid)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  IF app.viewer_id() IS NULL THEN
    RAISE EXCEPTION 'there is no session' USING ERRCODE = 'FH003';
  END IF;
  RETURN QUERY
    WITH ended AS (
      UPDATE app.sessions s SET revoked_at = now()
       WHERE s.user_id = app.viewer_id() AND s.id <> app.session_id() AND s.revoked_at IS NULL
         AND LEAST(s.expires_at, s.idle_expires_at) > now()
      RETURNING s.id, s.created_at
    )
    SELECT ended.id FROM ended ORDER BY ended.created_at DESC, ended.id DESC;
  IF FOUND THEN
    PERFORM app.record_event(app.viewer_id(), 'OTHER_SESSIONS_REVOKED');
  END IF;
END
$$;
-- +goose StatementEnd

GRANT EXECUTE ON FUNCTION
  app.pending_email(uuid),
  app.has_password(uuid),
  app.recent_until(uuid, double precision),
  app.closed_until(uuid, text[], integer[]),
  app.revoke_other_sessions()
  TO freehold_app;
ALTER FUNCTION app.pending_email(uuid) OWNER TO freehold_definer;
ALTER FUNCTION app.has_password(uuid) OWNER TO freehold_definer;
ALTER FUNCTION app.recent_until(uuid, double precision) OWNER TO freehold_definer;
ALTER FUNCTION app.closed_until(uuid, text[], integer[]) OWNER TO freehold_definer;
ALTER FUNCTION app.revoke_other_sessions() OWNER TO freehold_definer;

REVOKE CREATE ON SCHEMA app FROM freehold_definer;
