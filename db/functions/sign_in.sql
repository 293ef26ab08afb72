-- Executed by: freehold_app
-- Starts a session for the account of an address if p_password_hash is its hash and, with p_verified_only, the address is
-- verified. Otherwise it records a refused sign-in and returns false.
CREATE OR REPLACE FUNCTION app.sign_in(p_email_key text, p_password_hash text, p_verified_only boolean,
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
    PERFORM app.record_refused_sign_in(v_user_id);
    RETURN false;
  END IF;
  PERFORM app.start_session(v_user_id, p_session_id, p_refresh_hash, p_idle_seconds, p_seconds);
  PERFORM app.record_event(v_user_id, 'SIGNED_IN');
  RETURN true;
END
$$;
