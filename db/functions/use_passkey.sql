-- Executed by: freehold_app
-- Stores the signature counter and the backup state of a passkey that was used, and when it was. False if the passkey was removed, or if its
-- counter did not increase: another request has used it with this counter, or there is a copy of it. A counter that is always 0 is none.
CREATE OR REPLACE FUNCTION app.use_passkey(p_credential_id uuid, p_sign_count bigint, p_backed_up boolean) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  PERFORM FROM app.accounts a JOIN app.credentials c ON c.user_id = a.user_id WHERE c.id = p_credential_id FOR NO KEY UPDATE OF a;
  UPDATE app.passkeys SET sign_count = p_sign_count, backed_up = p_backed_up
   WHERE credential_id = p_credential_id AND (sign_count < p_sign_count OR sign_count = 0 AND p_sign_count = 0);
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  UPDATE app.credentials SET last_used_at = now() WHERE id = p_credential_id;
  RETURN true;
END
$$;
