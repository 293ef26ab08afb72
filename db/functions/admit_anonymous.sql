-- Executed by: freehold_app
-- Ends the sign-up of an anonymous account, the viewer's. False if there are more than p_max of them: roll back then. The lock makes
-- sign-ups at the same moment see each other, and is held only until COMMIT. A purge looks at the account after p_idle_seconds.
CREATE OR REPLACE FUNCTION app.admit_anonymous(p_max integer, p_idle_seconds double precision) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  UPDATE app.accounts c SET idle_check_at = now() + make_interval(secs => p_idle_seconds) WHERE c.user_id = app.viewer_id() AND c.anonymous;
  PERFORM pg_advisory_xact_lock(hashtextextended('app.admit_anonymous', 0));
  RETURN app.has_room_for_anonymous(p_max + 1);
END
$$;
