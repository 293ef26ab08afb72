-- Executed by: freehold_app
-- Revokes the oldest live sessions of the viewer until no more than p_keep are left. It never revokes the viewer's current
-- session.
CREATE OR REPLACE FUNCTION app.revoke_oldest_sessions(p_keep integer) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  UPDATE app.sessions x SET revoked_at = now()
   WHERE x.id IN (SELECT s.id FROM app.sessions s
                   WHERE s.user_id = app.viewer_id() AND s.id <> app.session_id() AND s.revoked_at IS NULL
                     AND LEAST(s.expires_at, s.idle_expires_at, s.revoked_at) > now() -- the expression of the index sessions_live
                   ORDER BY s.created_at DESC, s.id DESC
                  OFFSET GREATEST(p_keep - 1, 0))
$$;
