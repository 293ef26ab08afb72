-- Executed by: freehold_app
-- Deletes a bucket.
CREATE OR REPLACE FUNCTION app.clear_hits(p_bucket text) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$ DELETE FROM app.rate_limits r WHERE r.bucket = p_bucket $$;
