-- Executed by: freehold_app
-- Whether the viewer has a password; NULL if the user is not the viewer. app.verify_email empties the hash to delete a
-- password.
CREATE OR REPLACE FUNCTION app.has_password(p_user_id uuid) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT c.password_hash <> '' FROM app.accounts c WHERE c.user_id = p_user_id AND p_user_id = app.viewer_id()
$$;
