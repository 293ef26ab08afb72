-- Executed by: freehold_app
-- The time until which the viewer's session may take sensitive actions without another proof. If the account has a second factor, both
-- factors must be recent. An anonymous account has nothing to prove besides its session, so that is enough. NULL if that time has
-- passed, or if the user is not the viewer. app.require_reauthentication calls this function, so the two cannot disagree.
CREATE OR REPLACE FUNCTION app.reauthenticated_until(p_user_id uuid, p_seconds double precision) RETURNS timestamptz
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT x.until
    FROM (SELECT CASE WHEN app.is_anonymous(p_user_id) THEN LEAST(s.expires_at, s.idle_expires_at)
                      WHEN NOT app.has_second_factor(s.user_id) THEN s.authenticated_at + make_interval(secs => p_seconds)
                      WHEN s.second_factor_at IS NOT NULL THEN LEAST(s.authenticated_at, s.second_factor_at) + make_interval(secs => p_seconds) END AS until
            FROM app.sessions s
           WHERE s.id = app.session_id() AND s.user_id = p_user_id AND p_user_id = app.viewer_id()) x
   WHERE x.until > now()
$$;
