-- Executed by: freehold_app
-- app.export_rows for the viewer, who must have a session; no row for another user.
CREATE OR REPLACE FUNCTION app.export_account(p_user_id uuid, p_max_bytes bigint) RETURNS TABLE (label text, data text)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  PERFORM FROM app.sessions s WHERE s.id = app.session_id() AND s.user_id = p_user_id AND p_user_id = app.viewer_id();
  IF FOUND THEN
    RETURN QUERY SELECT x.label, x.data FROM app.export_rows(p_user_id, p_max_bytes) x;
  END IF;
END
$$;
