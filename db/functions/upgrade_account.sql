-- Executed by: freehold_app
-- Makes the viewer's anonymous account permanent, with an address that is not verified and a password. False if it is permanent
-- already.
CREATE OR REPLACE FUNCTION app.upgrade_account(p_email text, p_email_key text, p_password_hash text) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  PERFORM FROM app.accounts c WHERE c.user_id = app.viewer_id() AND c.anonymous FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  UPDATE app.user_private u SET email = p_email, email_key = p_email_key WHERE u.user_id = app.viewer_id();
  PERFORM app.put_password(app.viewer_id(), p_password_hash);
  DELETE FROM app.codes k WHERE k.user_id = app.viewer_id();
  PERFORM app.record_event(app.viewer_id(), 'EMAIL_CHANGED');
  PERFORM app.record_event(app.viewer_id(), 'CREDENTIAL_ADDED');
  RETURN true;
END
$$;
