-- Executed by: nobody
-- Raises FH006 unless the viewer has a scope, and FH003 if there is no viewer.
CREATE OR REPLACE FUNCTION app.require_scope(p_scope text) RETURNS void
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  IF app.viewer_id() IS NULL THEN
    RAISE EXCEPTION 'there is no session' USING ERRCODE = 'FH003';
  ELSIF NOT app.has_scope(p_scope) THEN
    RAISE EXCEPTION 'the viewer does not have the scope %', p_scope USING ERRCODE = 'FH006';
  END IF;
END
$$;
