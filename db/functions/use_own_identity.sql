-- Executed by: freehold_app
-- Whether the viewer's account has a user of an identity provider. Notes that the viewer has used it.
CREATE OR REPLACE FUNCTION app.use_own_identity(p_issuer text, p_subject text) RETURNS boolean
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  WITH used AS (
    UPDATE app.credentials k SET last_used_at = now() FROM app.identities i
     WHERE i.credential_id = k.id AND i.issuer = p_issuer AND i.subject = p_subject AND k.user_id = app.viewer_id()
    RETURNING k.id
  )
  SELECT EXISTS (SELECT FROM used)
$$;
