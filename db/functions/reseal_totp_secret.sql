-- Executed by: freehold_app
-- Replaces an encrypted secret by the same secret under another key. False if it has changed or was deleted in the meantime.
CREATE OR REPLACE FUNCTION app.reseal_totp_secret(p_credential_id uuid, p_old bytea, p_new bytea) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  UPDATE app.totp_secrets t SET secret = p_new WHERE t.credential_id = p_credential_id AND t.secret = p_old;
  RETURN FOUND;
END
$$;
