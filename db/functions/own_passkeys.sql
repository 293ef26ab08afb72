-- Executed by: freehold_app
-- The passkeys of the viewer.
CREATE OR REPLACE FUNCTION app.own_passkeys()
  RETURNS TABLE (credential_id uuid, user_id uuid, key_id bytea, public_key bytea, sign_count bigint, backup_eligible boolean, backed_up boolean,
                 transports text[])
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT p.credential_id, k.user_id, p.key_id, p.public_key, p.sign_count, p.backup_eligible, p.backed_up, p.transports
    FROM app.passkeys p JOIN app.credentials k ON k.id = p.credential_id
   WHERE k.user_id = app.viewer_id()
   ORDER BY k.created_at, k.id
$$;
