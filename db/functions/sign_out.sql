-- Executed by: freehold_app
-- Revokes the session of a refresh token, and reports whether it was live. The token may be an old one of the session, if
-- the service issued it: using an old token again would revoke the session too.
CREATE OR REPLACE FUNCTION app.sign_out(p_session_id uuid, p_presented bytea, p_genuine boolean) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  v_user_id uuid;
BEGIN
  UPDATE app.sessions s SET revoked_at = clock_timestamp(), signed_out = true
   WHERE s.id = p_session_id AND (p_genuine OR p_presented IN (s.refresh_hash, s.previous_hash))
     AND s.revoked_at IS NULL AND LEAST(s.expires_at, s.idle_expires_at) > clock_timestamp()
  RETURNING s.user_id INTO v_user_id;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  PERFORM app.record_event(v_user_id, 'SIGNED_OUT');
  RETURN true;
END
$$;
