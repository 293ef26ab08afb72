-- Executed by: freehold_app
-- The time until which app.count_attempt rejects a hit in one of these buckets. NULL if it accepts one, or if the user is not
-- the viewer. It counts nothing.
CREATE OR REPLACE FUNCTION app.rate_limited_until(p_user_id uuid, p_buckets text[], p_limits integer[]) RETURNS timestamptz
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT max(r.ends_at)
    FROM unnest(p_buckets, p_limits) AS b (bucket, hits) JOIN app.rate_limits r ON r.bucket = b.bucket
   WHERE p_user_id = app.viewer_id() AND r.hits >= b.hits AND r.ends_at > now()
$$;
