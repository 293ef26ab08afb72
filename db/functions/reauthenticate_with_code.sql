-- Executed by: freehold_app
-- Uses a code that signs in to the viewer's account, to record in their session that they have proved again who they are. False if
-- the code is invalid, has expired, or belongs to another account.
CREATE OR REPLACE FUNCTION app.reauthenticate_with_code(p_code_id uuid) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  used record;
BEGIN
  PERFORM FROM app.accounts c WHERE c.user_id = app.viewer_id() FOR NO KEY UPDATE;
  DELETE FROM app.codes k
   WHERE k.id = p_code_id AND k.purpose = 'SIGN_IN' AND k.user_id = app.viewer_id() AND k.expires_at > clock_timestamp();
  IF NOT FOUND OR NOT EXISTS (SELECT FROM app.credentials k WHERE k.user_id = app.viewer_id() AND k.kind = 'EMAIL_CODE') THEN
    RETURN false;
  END IF;
  PERFORM app.authenticate_again('{email}', false);
  RETURN true;
END
$$;
