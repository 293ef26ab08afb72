-- Executed by: freehold_app
-- Revokes every session of the viewer except the current one. Returns the ids of the live ones among them, newest first.
-- Raises FH003 if there is no viewer.
CREATE OR REPLACE FUNCTION app.revoke_other_sessions() RETURNS TABLE (id uuid)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  IF app.viewer_id() IS NULL THEN
    RAISE EXCEPTION 'there is no session' USING ERRCODE = 'FH003';
  END IF;
  RETURN QUERY
    WITH ended AS (
      UPDATE app.sessions s SET revoked_at = now()
       WHERE s.user_id = app.viewer_id() AND s.id <> app.session_id() AND s.revoked_at IS NULL
         AND LEAST(s.expires_at, s.idle_expires_at, s.revoked_at) > now() -- the expression of the index sessions_live
      RETURNING s.id, s.created_at
    )
    SELECT ended.id FROM ended ORDER BY ended.created_at DESC, ended.id DESC;
END
$$;
