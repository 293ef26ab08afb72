-- Executed by: freehold_app
-- Whether this is the viewer's password hash.
CREATE OR REPLACE FUNCTION app.is_own_hash(p_password_hash text) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT EXISTS (SELECT FROM app.accounts c
                  WHERE c.user_id = app.viewer_id() AND c.password_hash = p_password_hash AND c.password_hash <> '')
$$;
