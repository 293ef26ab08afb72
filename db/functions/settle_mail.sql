-- Executed by: freehold_app
-- Records the outcome of an attempt to send a mail: sent; failed, and due again after some seconds; or parked. False if it
-- records nothing: the mail was deleted or settled, or another worker has claimed it since. The outcome sent is recorded even if
-- another worker has claimed the mail.
CREATE OR REPLACE FUNCTION app.settle_mail(p_id uuid, p_attempt integer, p_outcome text, p_retry_seconds double precision, p_error text)
  RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  IF p_outcome NOT IN ('sent', 'failed', 'parked') THEN
    RAISE EXCEPTION 'a mail cannot be settled as %', p_outcome;
  END IF;
  UPDATE app.outbox o
     SET sent_at         = CASE WHEN p_outcome = 'sent' THEN clock_timestamp() END,
         parked_at       = CASE WHEN p_outcome = 'parked' THEN clock_timestamp() END,
         next_attempt_at = CASE WHEN p_outcome = 'failed' THEN clock_timestamp() + make_interval(secs => p_retry_seconds) ELSE o.next_attempt_at END,
         last_error      = p_error
   WHERE o.id = p_id AND o.sent_at IS NULL AND (p_outcome = 'sent' OR (o.parked_at IS NULL AND o.attempts = p_attempt));
  RETURN FOUND;
END
$$;
