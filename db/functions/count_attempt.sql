-- Executed by: freehold_app
-- Counts a hit in each of these buckets, or in none if one of them is full. Returns the full bucket that opens last, NULL if the hit
-- was counted; the seconds until that bucket opens, 0 if the hit was counted; and the seconds until the next hit is accepted, 0 if it
-- would be accepted now. It locks the buckets in one order, so that two callers cannot deadlock.
CREATE OR REPLACE FUNCTION app.count_attempt(p_buckets text[], p_limits integer[], p_windows integer[])
  RETURNS TABLE (full_bucket text, closed_seconds integer, full_seconds integer)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  closed text;
  until  timestamptz;
BEGIN
  INSERT INTO app.rate_limits AS r (bucket, hits, ends_at)
  SELECT b.bucket, 0, now() + make_interval(secs => b.seconds)
    FROM unnest(p_buckets, p_windows) AS b (bucket, seconds)
   ORDER BY b.bucket
  ON CONFLICT (bucket) DO UPDATE
     SET hits    = CASE WHEN r.ends_at <= now() THEN 0 ELSE r.hits END,
         ends_at = CASE WHEN r.ends_at <= now() THEN excluded.ends_at ELSE r.ends_at END;
  SELECT r.bucket, r.ends_at INTO closed, until
    FROM unnest(p_buckets, p_limits) AS b (bucket, hits) JOIN app.rate_limits r ON r.bucket = b.bucket
   WHERE r.hits >= b.hits
   ORDER BY r.ends_at DESC, r.bucket
   LIMIT 1;
  IF closed IS NOT NULL THEN
    RETURN QUERY SELECT closed, GREATEST(1, ceil(extract(epoch FROM until - now())))::integer, 0;
    RETURN;
  END IF;
  UPDATE app.rate_limits r SET hits = r.hits + 1 WHERE r.bucket = ANY (p_buckets);
  SELECT max(r.ends_at) INTO until
    FROM unnest(p_buckets, p_limits) AS b (bucket, hits) JOIN app.rate_limits r ON r.bucket = b.bucket
   WHERE r.hits >= b.hits;
  RETURN QUERY SELECT NULL::text, 0, CASE WHEN until IS NULL THEN 0 ELSE GREATEST(1, ceil(extract(epoch FROM until - now())))::integer END;
END
$$;
