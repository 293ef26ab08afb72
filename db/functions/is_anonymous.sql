-- Executed by: freehold_app
-- Whether nothing but their sessions leads to the viewer's account; NULL if the user is not the viewer.
CREATE OR REPLACE FUNCTION app.is_anonymous(p_user_id uuid) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT c.anonymous FROM app.accounts c WHERE c.user_id = p_user_id AND p_user_id = app.viewer_id()
$$;
