-- Executed by: freehold_app
-- Up to p_limit encrypted secrets that begin with none of these marks, each of which names an encryption key.
CREATE OR REPLACE FUNCTION app.totp_secrets_except(p_marks bytea[], p_limit integer) RETURNS TABLE (credential_id uuid, secret bytea)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT t.credential_id, t.secret FROM app.totp_secrets t
   WHERE NOT EXISTS (SELECT FROM unnest(p_marks) m WHERE substr(t.secret, 1, length(m)) = m)
   LIMIT p_limit
$$;
