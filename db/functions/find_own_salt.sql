-- Executed by: freehold_app
-- The salt of the password that the viewer has; NULL if there is no viewer.
CREATE OR REPLACE FUNCTION app.find_own_salt() RETURNS text
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT app.salt_of(c.password_hash) FROM app.accounts c WHERE c.user_id = app.viewer_id()
$$;
