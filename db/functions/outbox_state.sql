-- Executed by: freehold_app
-- How many mails wait or are being sent, for how long the oldest of them has waited (0 if none waits), and how many mails were given
-- up. Mails that are withheld look like the latter, but nobody was ever to get them.
CREATE OR REPLACE FUNCTION app.outbox_state() RETURNS TABLE (waiting bigint, oldest_seconds double precision, parked bigint)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT w.mails, w.seconds, p.mails
    FROM (SELECT count(*) AS mails, GREATEST(0, COALESCE(extract(epoch FROM now() - min(o.created_at)), 0))::double precision AS seconds
            FROM app.outbox o WHERE o.sent_at IS NULL AND o.parked_at IS NULL) w,
         (SELECT count(*) AS mails
            FROM app.outbox o WHERE o.parked_at IS NOT NULL AND o.sent_at IS NULL AND o.last_error IS DISTINCT FROM 'withheld') p
$$;
