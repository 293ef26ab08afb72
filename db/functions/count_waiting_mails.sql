-- Executed by: freehold_app
-- The number of mails that wait or are being sent.
CREATE OR REPLACE FUNCTION app.count_waiting_mails() RETURNS bigint
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT count(*) FROM app.outbox o WHERE o.sent_at IS NULL AND o.parked_at IS NULL
$$;
