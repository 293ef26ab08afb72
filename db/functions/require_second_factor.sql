-- Executed by: freehold_app
-- app.require_reauthentication for an account with a second factor. For any other account, it does nothing.
CREATE OR REPLACE FUNCTION app.require_second_factor(p_seconds double precision, p_accepts text[]) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$ SELECT app.require_reauthentication(p_seconds, p_accepts) WHERE app.has_second_factor(app.viewer_id()) $$;
