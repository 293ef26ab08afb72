-- Executed by: freehold_app
-- Creates a code that proves an address, as app.request_email_change does. With the code, the viewer's anonymous account gets the address
-- and the password. Returns the address of the account that already has the new address, or NULL; no row
-- if the viewer's account is permanent already.
CREATE OR REPLACE FUNCTION app.request_upgrade(p_id uuid, p_email text, p_email_key text, p_password_hash text, p_valid_seconds double precision)
  RETURNS TABLE (taken text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  PERFORM FROM app.accounts c WHERE c.user_id = app.viewer_id() AND c.anonymous FOR KEY SHARE; -- as in request_code
  IF NOT FOUND THEN
    RETURN;
  END IF;
  RETURN QUERY SELECT app.request_email_change(p_id, p_email, p_email_key, p_valid_seconds);
  UPDATE app.codes k SET data = jsonb_build_object('password_hash', p_password_hash) WHERE k.id = p_id;
END
$$;
