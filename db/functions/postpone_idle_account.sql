-- Executed by: freehold_app
-- Makes the next purges skip an anonymous account for p_seconds, after a hook has refused its deletion.
CREATE OR REPLACE FUNCTION app.postpone_idle_account(p_user_id uuid, p_seconds double precision) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$ UPDATE app.accounts c SET idle_check_at = now() + make_interval(secs => p_seconds) WHERE c.user_id = p_user_id AND c.anonymous $$;
