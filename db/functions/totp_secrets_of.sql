-- Executed by: freehold_app
-- The encrypted secrets of the authenticator apps of an account.
CREATE OR REPLACE FUNCTION app.totp_secrets_of(p_user_id uuid) RETURNS TABLE (credential_id uuid, secret bytea)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT t.credential_id, t.secret FROM app.credentials k JOIN app.totp_secrets t ON t.credential_id = k.id
   WHERE k.user_id = p_user_id AND k.kind = 'TOTP'
   ORDER BY k.created_at, k.id
$$;
