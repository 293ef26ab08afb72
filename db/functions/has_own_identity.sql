-- Executed by: freehold_app
-- Whether the viewer's account has a user of an identity provider.
CREATE OR REPLACE FUNCTION app.has_own_identity(p_issuer text) RETURNS boolean
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  IF app.viewer_id() IS NULL THEN
    RAISE EXCEPTION 'there is no session' USING ERRCODE = 'FH003';
  END IF;
  RETURN EXISTS (SELECT FROM app.identities i JOIN app.credentials k ON k.id = i.credential_id WHERE i.issuer = p_issuer AND k.user_id = app.viewer_id());
END
$$;
