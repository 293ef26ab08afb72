-- Executed by: freehold_app
-- Claims mails that are due, longest waiting first, until the lease ends. If a worker dies, another worker can claim its
-- mails after that. Several workers may claim at once; no two get the same mail. The result says whether a mail has a code,
-- but not the code's id.
CREATE OR REPLACE FUNCTION app.claim_mails(p_limit integer, p_lease_seconds double precision)
  RETURNS TABLE (id uuid, kind text, recipient text, has_code boolean, data jsonb, created_at timestamptz, attempt integer,
                 valid_seconds double precision)
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  WITH due AS MATERIALIZED ( -- evaluated once, or the limit would not hold
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
