-- Executed by: freehold_app
-- Claims mails that are due, the longest waiting first, for as long as a lease. If a worker is killed, another worker claims its
-- mails after that. Several workers may claim at once; no two get the same mail. The result says whether the mail has a code,
-- but not the id of the code.
CREATE OR REPLACE FUNCTION app.claim_mails(p_limit integer, p_lease_seconds double precision)
  RETURNS TABLE (id uuid, kind text, recipient text, has_code boolean, data jsonb, created_at timestamptz, attempt integer,
                 valid_seconds double precision)
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  WITH due AS MATERIALIZED ( -- once, whatever the plan, or the limit would not hold
    SELECT o.id
      FROM app.outbox o
     WHERE o.sent_at IS NULL AND o.parked_at IS NULL AND o.next_attempt_at <= clock_timestamp()
     ORDER BY o.next_attempt_at
     LIMIT p_limit
       FOR UPDATE SKIP LOCKED
  )
  UPDATE app.outbox o
     SET attempts = o.attempts + 1, next_attempt_at = clock_timestamp() + make_interval(secs => p_lease_seconds)
    FROM due
   WHERE o.id = due.id
  RETURNING o.id, o.kind, o.recipient, o.code_id IS NOT NULL, o.data, o.created_at, o.attempts,
            extract(epoch FROM o.expires_at - clock_timestamp())::double precision
$$;
