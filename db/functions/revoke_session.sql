-- Executed by: freehold_app
-- Revokes a session of the viewer, and records whether it is the current one. False if it belongs to another user, or is
-- already revoked.
CREATE OR REPLACE FUNCTION app.revoke_session(p_session_id uuid) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  UPDATE app.sessions SET revoked_at = now(), signed_out = (p_session_id IS NOT DISTINCT FROM app.session_id())
   WHERE id = p_session_id AND user_id = app.viewer_id() AND revoked_at IS NULL;
  RETURN FOUND;
END
$$;
