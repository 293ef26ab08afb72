-- Executed by: freehold_app
-- Deletes up to p_limit rows of a table that ended more than p_seconds ago, and returns how many. Several callers may purge
-- at once: none waits for a row that another one has locked. A negative p_seconds, which would delete live rows, means 0. A
-- row of users ends if it is a pending sign-up that was not verified in time.
CREATE OR REPLACE FUNCTION app.purge(p_table text, p_limit integer, p_seconds double precision) RETURNS bigint
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  l record;
  n bigint;
BEGIN
  SELECT x.key, x.found_in, x.found_key, x.ends_at INTO l
    FROM (VALUES
      ('codes',           'id',           'codes',           'id',           'expires_at'),
      ('continuations',   'id',           'continuations',   'id',           'expires_at'),
      ('held_usernames',  'username_key', 'held_usernames',  'username_key', 'held_until'),
      ('outbox',          'id',           'outbox',          'id',           'created_at'), -- whether it was sent or not
      ('rate_limits',     'bucket',       'rate_limits',     'bucket',       'ends_at'),
      ('security_events', 'id',           'security_events', 'id',           'created_at'),
      ('sessions',        'id',           'sessions',        'id',           'expires_at'), -- no session can be refreshed after this
      ('sign_up_keys',    'key_hash',     'sign_up_keys',    'key_hash',     'created_at'),
      ('users',           'id',           'user_private',    'user_id',      'pending_until')
    ) x (name, key, found_in, found_key, ends_at)
   WHERE x.name = p_table;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'table % is not purged', p_table USING ERRCODE = 'invalid_parameter_value';
  END IF;
  EXECUTE format($sql$
    WITH past AS MATERIALIZED ( -- evaluated once, or the limit would not hold
      SELECT p.%I AS key FROM app.%I p
       WHERE p.%I < now() - make_interval(secs => GREATEST($2, 0))
       LIMIT $1
         FOR UPDATE SKIP LOCKED
    ), deleted AS (
      DELETE FROM app.%I d USING past WHERE d.%I = past.key RETURNING 1
    )
    SELECT count(*) FROM deleted
  $sql$, l.found_key, l.found_in, l.ends_at, p_table, l.key) INTO n USING p_limit, p_seconds;
  RETURN n;
END
$$;
