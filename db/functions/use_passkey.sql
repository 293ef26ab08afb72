-- Executed by: freehold_app
-- Stores the signature counter and the backup state of a passkey that was used. False if the passkey was removed, or if its counter did
-- not increase: another request has used it with this counter, or there is a copy of it. A counter that is always 0 is none.
CREATE OR REPLACE FUNCTION app.use_passkey(p_credential_id uuid, p_sign_count bigint, p_backed_up boolean) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  PERFORM FROM app.accounts c JOIN app.credentials k ON k.user_id = c.user_id WHERE k.id = p_credential_id
    FOR NO KEY UPDATE OF c; -- the first lock of every change of an account
  UPDATE app.passkeys p SET sign_count = p_sign_count, backed_up = p_backed_up
   WHERE p.credential_id = p_credential_id AND (p.sign_count < p_sign_count OR p.sign_count = 0 AND p_sign_count = 0);
  RETURN FOUND;
END
$$;
