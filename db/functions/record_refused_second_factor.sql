-- Executed by: freehold_app
-- Records that a second factor was refused. If the account has none, or was deleted in the meantime, it records nothing.
CREATE OR REPLACE FUNCTION app.record_refused_second_factor(p_user_id uuid) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$ SELECT app.record_event(p_user_id, 'SECOND_FACTOR_REFUSED') WHERE app.has_second_factor(p_user_id) $$;
