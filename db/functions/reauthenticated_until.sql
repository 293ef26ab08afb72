-- Executed by: freehold_app
-- Until when the session that asks may take sensitive actions without the password; NULL if that time has passed, and if the
-- user is not the viewer. app.require_reauthentication calls this function, so the two cannot disagree.
CREATE OR REPLACE FUNCTION app.reauthenticated_until(p_user_id uuid, p_seconds double precision) RETURNS timestamptz
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT s.authenticated_at + make_interval(secs => p_seconds) FROM app.sessions s
   WHERE s.id = app.session_id() AND s.user_id = p_user_id AND p_user_id = app.viewer_id()
     AND s.authenticated_at + make_interval(secs => p_seconds) > now()
$$;
