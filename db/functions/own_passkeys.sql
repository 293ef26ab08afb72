-- Executed by: freehold_app
-- The passkeys of the viewer.
CREATE OR REPLACE FUNCTION app.own_passkeys()
  RETURNS TABLE (credential_id uuid, user_id uuid, key_id bytea, public_key bytea, sign_count bigint, backup_eligible boolean, backed_up boolean,
                 transports text[])
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT k.credential_id, c.user_id, k.key_id, k.public_key, k.sign_count, k.backup_eligible, k.backed_up, k.transports
    FROM app.passkeys k JOIN app.credentials c ON c.id = k.credential_id
   WHERE c.user_id = app.viewer_id()
   ORDER BY c.created_at, c.id
$$;
