-- Executed by: freehold_app
-- Created: before the tables
-- The relation of the viewer to a note: the one to its notebook.
CREATE OR REPLACE FUNCTION app.note_relation(p_id uuid) RETURNS text
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  RETURN (SELECT app.notebook_relation(n.notebook_id) FROM app.notes n WHERE n.id = p_id);
END
$$;
