-- Executed by: nobody
-- Whether the viewer may share a notebook as one of these relations. It locks the notebook, so that no two changes of who has which
-- relation happen at once.
CREATE OR REPLACE FUNCTION app.manages_notebook(p_id uuid, p_as text[]) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  PERFORM FROM app.notebooks WHERE id = p_id FOR UPDATE;
  RETURN app.relation_to_notebook(p_id, app.viewer_id()) = ANY (p_as) IS TRUE;
END
$$;
