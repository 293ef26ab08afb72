-- Executed by: freehold_app
-- Creates a code that proves a new address of the viewer, and deletes earlier ones. Returns the address of the account that
-- already has the new address, or NULL. The code belongs to the viewer in both cases: otherwise app.pending_email would
-- reveal which addresses have an account. If the address is taken, the code is not sent, and app.change_email could not use
-- it. Raises FH003 if the account was deleted.
CREATE OR REPLACE FUNCTION app.request_email_change(p_id uuid, p_email text, p_email_key text, p_valid_seconds double precision) RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  taken text;
BEGIN
  PERFORM FROM app.accounts c WHERE c.user_id = app.viewer_id() FOR KEY SHARE; -- as in request_code
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the account was deleted' USING ERRCODE = 'FH003';
  END IF;
  SELECT u.email INTO taken FROM app.user_private u WHERE u.email_key = p_email_key AND u.pending_until IS NULL AND u.user_id <> app.viewer_id();
  DELETE FROM app.codes k WHERE k.user_id = app.viewer_id() AND k.purpose = 'CHANGE_EMAIL';
  PERFORM app.put_code(p_id, 'CHANGE_EMAIL', p_email, p_email_key, app.viewer_id(), p_valid_seconds);
  RETURN taken;
END
$$;
