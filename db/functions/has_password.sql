-- Executed by: freehold_app
-- Whether the viewer can sign in with a password; NULL if the user is not the viewer. The hash is empty if app.verify_email has
-- cleared it.
CREATE OR REPLACE FUNCTION app.has_password(p_user_id uuid) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT c.password_hash <> '' FROM app.credentials c WHERE c.user_id = p_user_id AND p_user_id = app.viewer_id()
$$;
