-- Executed by: freehold_app
-- Adds an authenticator app to the viewer's account. The secret is encrypted, and p_step is the step of the code that proved it. With
-- their first authenticator app, the viewer also gets these recovery codes. Returns whether they do. Raises FH003 if there is no viewer,
-- and FH010 if the account has too many credentials.
CREATE OR REPLACE FUNCTION app.add_totp(p_id uuid, p_name text, p_secret bytea, p_step bigint, p_hashes bytea[]) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  is_first boolean;
BEGIN
  PERFORM FROM app.accounts c WHERE c.user_id = app.viewer_id() FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no session' USING ERRCODE = 'FH003';
  END IF;
  is_first := NOT app.has_second_factor(app.viewer_id());
  PERFORM app.add_credential(app.viewer_id(), p_id, 'TOTP', p_name);
  UPDATE app.credentials k SET last_used_at = clock_timestamp() WHERE k.id = p_id; -- by the code
  INSERT INTO app.totp_secrets (credential_id, secret, last_step) VALUES (p_id, p_secret, p_step);
  IF is_first THEN
    PERFORM app.put_recovery_codes(app.viewer_id(), p_hashes);
  END IF;
  RETURN is_first;
END
$$;
