-- Executed by: freehold_app
-- The passkey with an id, for a sign-in with it. No row if no account has it.
CREATE OR REPLACE FUNCTION app.find_passkey(p_key_id bytea)
  RETURNS TABLE (credential_id uuid, user_id uuid, key_id bytea, public_key bytea, sign_count bigint, backup_eligible boolean, backed_up boolean)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT k.credential_id, c.user_id, k.key_id, k.public_key, k.sign_count, k.backup_eligible, k.backed_up
    FROM app.passkeys k JOIN app.credentials c ON c.id = k.credential_id
   WHERE k.key_id = p_key_id
$$;
