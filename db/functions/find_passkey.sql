-- Executed by: freehold_app
-- The passkey with an id, for a sign-in with it. No row if no account has it.
CREATE OR REPLACE FUNCTION app.find_passkey(p_key_id bytea)
  RETURNS TABLE (credential_id uuid, user_id uuid, key_id bytea, public_key bytea, sign_count bigint, backup_eligible boolean, backed_up boolean)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT p.credential_id, k.user_id, p.key_id, p.public_key, p.sign_count, p.backup_eligible, p.backed_up
    FROM app.passkeys p JOIN app.credentials k ON k.id = p.credential_id
   WHERE p.key_id = p_key_id
$$;
