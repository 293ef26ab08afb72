-- Executed by: freehold_app
-- Whether a bucket has hits in its current window.
CREATE OR REPLACE FUNCTION app.has_hits(p_bucket text) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$ SELECT EXISTS (SELECT FROM app.rate_limits r WHERE r.bucket = p_bucket AND r.hits > 0 AND r.ends_at > now()) $$;
