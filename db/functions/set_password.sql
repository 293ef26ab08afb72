-- Executed by: freehold_app
-- Gives the viewer a password. False if they have one, or if their account has no address with which they could sign in.
CREATE OR REPLACE FUNCTION app.set_password(p_password_hash text) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  PERFORM FROM app.accounts c JOIN app.user_private u ON u.user_id = c.user_id
    WHERE c.user_id = app.viewer_id() AND c.password_hash = '' AND u.email IS NOT NULL
      FOR NO KEY UPDATE OF c;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  PERFORM app.put_password(app.viewer_id(), p_password_hash);
  PERFORM app.record_event(app.viewer_id(), 'CREDENTIAL_ADDED');
  RETURN true;
END
$$;
