-- Executed by: freehold_app
-- How many recovery codes the viewer has not used; NULL if the user is not the viewer.
CREATE OR REPLACE FUNCTION app.recovery_codes_left(p_user_id uuid) RETURNS integer
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT (SELECT count(*) FROM app.recovery_codes r WHERE r.user_id = p_user_id AND r.used_at IS NULL)::integer WHERE p_user_id = app.viewer_id()
$$;
