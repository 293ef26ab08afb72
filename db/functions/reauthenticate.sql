-- Executed by: freehold_app
-- Notes in the session that the viewer has proved the password. False if the hash is not that of the account's password.
CREATE OR REPLACE FUNCTION app.reauthenticate(p_seen_hash text) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  PERFORM FROM app.credentials c WHERE c.user_id = app.viewer_id() AND c.password_hash = p_seen_hash AND c.password_hash <> '' FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  UPDATE app.sessions SET authenticated_at = clock_timestamp() WHERE id = app.session_id() AND user_id = app.viewer_id();
  RETURN true;
END
$$;
