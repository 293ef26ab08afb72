-- Executed by: freehold_app
-- Lets the viewer sign in with codes by mail. False if they can already; NULL if their address is not verified.
CREATE OR REPLACE FUNCTION app.add_email_code() RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  verified boolean;
BEGIN
  PERFORM FROM app.accounts c WHERE c.user_id = app.viewer_id() FOR NO KEY UPDATE;
  SELECT u.email_verified_at IS NOT NULL INTO verified FROM app.user_private u WHERE u.user_id = app.viewer_id();
  IF verified IS NOT TRUE THEN
    RETURN NULL;
  ELSIF EXISTS (SELECT FROM app.credentials k WHERE k.user_id = app.viewer_id() AND k.kind = 'EMAIL_CODE') THEN
    RETURN false;
  END IF;
  PERFORM app.put_email_code(app.viewer_id());
  PERFORM app.record_event(app.viewer_id(), 'CREDENTIAL_ADDED');
  RETURN true;
END
$$;
