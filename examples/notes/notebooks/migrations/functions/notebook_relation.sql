-- Executed by: freehold_app
-- Created: before the tables
-- The relation of the viewer to a notebook. The row policies of notebooks, and of everything in them, call it.
CREATE OR REPLACE FUNCTION app.notebook_relation(p_id uuid) RETURNS text
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  RETURN app.relation_to_notebook(p_id, app.viewer_id());
END
$$;
