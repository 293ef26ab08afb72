-- Rate limits, shared by all instances: how often something was done in the current window, by bucket.

-- +goose Up

CREATE TABLE app.rate_limits (
  bucket  text        PRIMARY KEY,
  hits    integer     NOT NULL,
  ends_at timestamptz NOT NULL
);
ALTER TABLE app.rate_limits ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.rate_limits FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE ON app.rate_limits TO freehold_definer;
CREATE POLICY rate_limits_owner ON app.rate_limits TO freehold_owner USING (true) WITH CHECK (true);
CREATE POLICY rate_limits_definer ON app.rate_limits TO freehold_definer USING (true) WITH CHECK (true);

GRANT CREATE ON SCHEMA app TO freehold_definer; -- needed to hand the function over; taken back below

-- Counts one more and returns for how many seconds the bucket is closed: 0 while it is within its limit.
-- +goose StatementBegin
CREATE FUNCTION app.count_hit(p_bucket text, p_limit integer, p_window_seconds integer) RETURNS integer
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  INSERT INTO app.rate_limits AS r (bucket, hits, ends_at)
  VALUES (p_bucket, 1, now() + make_interval(secs => p_window_seconds))
  ON CONFLICT (bucket) DO UPDATE
     SET hits    = CASE WHEN r.ends_at <= now() THEN 1 ELSE r.hits + 1 END,
         ends_at = CASE WHEN r.ends_at <= now() THEN excluded.ends_at ELSE r.ends_at END
  RETURNING CASE WHEN hits > p_limit THEN GREATEST(1, ceil(extract(epoch FROM ends_at - now())))::integer ELSE 0 END
$$;
-- +goose StatementEnd
GRANT EXECUTE ON FUNCTION app.count_hit(text, integer, integer) TO freehold_app;
ALTER FUNCTION app.count_hit(text, integer, integer) OWNER TO freehold_definer;

REVOKE CREATE ON SCHEMA app FROM freehold_definer;
