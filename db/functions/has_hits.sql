-- Executed by: freehold_app
-- Whether something was counted in a bucket whose window has not ended.
CREATE OR REPLACE FUNCTION app.has_hits(p_bucket text) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$ SELECT EXISTS (SELECT FROM app.rate_limits r WHERE r.bucket = p_bucket AND r.hits > 0 AND r.ends_at > now()) $$;
