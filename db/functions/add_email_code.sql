-- Executed by: freehold_app
-- Lets the viewer sign in with codes by mail again, and returns the credential. NULL if their address is not verified.
CREATE OR REPLACE FUNCTION app.add_email_code() RETURNS uuid
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  added uuid;
BEGIN
  PERFORM FROM app.accounts c WHERE c.user_id = app.viewer_id() FOR NO KEY UPDATE;
  IF NOT EXISTS (SELECT FROM app.credentials k WHERE k.user_id = app.viewer_id() AND k.kind = 'EMAIL_CODE') THEN
    PERFORM app.put_email_code(app.viewer_id());
    PERFORM app.record_event(app.viewer_id(), 'CREDENTIAL_ADDED') WHERE EXISTS (SELECT FROM app.credentials k WHERE k.user_id = app.viewer_id() AND k.kind = 'EMAIL_CODE');
  END IF;
  SELECT k.id INTO added FROM app.credentials k WHERE k.user_id = app.viewer_id() AND k.kind = 'EMAIL_CODE';
  RETURN added;
END
$$;
