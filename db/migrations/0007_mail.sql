-- The outbox: mails that are to be sent, written in the transaction that is their reason, so that neither is without the
-- other. It holds no secret: of a one-time code only the id, from which the sender derives the code. And the functions
-- that purge what is long over; each table has its own, so that a further table brings its own along.

-- +goose Up

CREATE TABLE app.outbox (
  id              uuid        PRIMARY KEY, -- also in the mail's Message-ID, so that a duplicate can be told
  kind            text        NOT NULL CHECK (length(kind) BETWEEN 1 AND 64),
  user_id         uuid        REFERENCES app.users ON DELETE CASCADE, -- its mails go with an account
  recipient       text        NOT NULL CHECK (length(recipient) BETWEEN 1 AND 254),
  code_id         uuid,
  data            jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(data) = 'object' AND length(data::text) <= 4000),
  created_at      timestamptz NOT NULL DEFAULT now(),
  expires_at      timestamptz, -- of the code: a later mail would be no use
  attempts        integer     NOT NULL DEFAULT 0, -- begun; also says whose claim it is
  next_attempt_at timestamptz NOT NULL DEFAULT now(), -- while it is claimed: the end of the lease
  sent_at         timestamptz,
  parked_at       timestamptz, -- given up
  last_error      text        CHECK (length(last_error) <= 100), -- the kind of failure
  CONSTRAINT outbox_code_expires CHECK (code_id IS NULL OR expires_at IS NOT NULL)
);
CREATE INDEX outbox_user_id ON app.outbox (user_id);
CREATE INDEX outbox_created_at ON app.outbox (created_at);
CREATE INDEX outbox_waiting ON app.outbox (next_attempt_at) WHERE sent_at IS NULL AND parked_at IS NULL;
CREATE INDEX rate_limits_ends_at ON app.rate_limits (ends_at);
CREATE INDEX sessions_expires_at ON app.sessions (expires_at);
ALTER TABLE app.outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.outbox FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, DELETE, UPDATE (attempts, next_attempt_at, sent_at, parked_at, last_error) ON app.outbox TO freehold_definer;
GRANT DELETE ON app.rate_limits, app.sessions TO freehold_definer;
GRANT SELECT, DELETE, UPDATE (kind) ON app.security_events TO freehold_definer; -- to lock a row, something of it has to be updatable
CREATE INDEX security_events_created_at ON app.security_events (created_at);
CREATE POLICY outbox_owner ON app.outbox TO freehold_owner USING (true) WITH CHECK (true);
CREATE POLICY outbox_definer ON app.outbox TO freehold_definer USING (true) WITH CHECK (true);

GRANT CREATE ON SCHEMA app TO freehold_definer; -- needed to hand functions over; taken back below

-- Puts a mail into the outbox. It may be sent as soon as the transaction is committed. Without a time for which it is
-- valid it is never too late.
-- +goose StatementBegin
CREATE FUNCTION app.enqueue_mail(p_id uuid, p_kind text, p_user_id uuid, p_recipient text, p_code_id uuid, p_data jsonb,
                                 p_valid_seconds double precision)
  RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  INSERT INTO app.outbox (id, kind, user_id, recipient, code_id, data, expires_at)
  VALUES (p_id, p_kind, p_user_id, p_recipient, p_code_id, p_data, now() + make_interval(secs => p_valid_seconds))
$$;
-- +goose StatementEnd

-- Claims mails that are due, the longest waiting first, for as long as a lease; whoever is killed with a mail in hand
-- leaves it to the next after that. Several workers may claim at once, and no two get the same.
-- +goose StatementBegin
CREATE FUNCTION app.claim_mails(p_limit integer, p_lease_seconds double precision)
  RETURNS TABLE (id uuid, kind text, recipient text, code_id uuid, data jsonb, created_at timestamptz, attempt integer,
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
  RETURNING o.id, o.kind, o.recipient, o.code_id, o.data, o.created_at, o.attempts,
            extract(epoch FROM o.expires_at - clock_timestamp())::double precision
$$;
-- +goose StatementEnd

-- Notes what became of an attempt: sent; retry, after some seconds; or parked. False when there is nothing to note any
-- more: the mail is gone or settled, or somebody else has claimed it since. That it was sent counts in any case.
-- +goose StatementBegin
CREATE FUNCTION app.settle_mail(p_id uuid, p_attempt integer, p_outcome text, p_retry_seconds double precision, p_error text)
  RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  IF p_outcome NOT IN ('sent', 'retry', 'parked') THEN
    RAISE EXCEPTION 'a mail cannot be settled as %', p_outcome;
  END IF;
  UPDATE app.outbox o
     SET sent_at         = CASE WHEN p_outcome = 'sent' THEN clock_timestamp() END,
         parked_at       = CASE WHEN p_outcome = 'parked' THEN clock_timestamp() END,
         next_attempt_at = CASE WHEN p_outcome = 'retry' THEN clock_timestamp() + make_interval(secs => p_retry_seconds) ELSE o.next_attempt_at END,
         last_error      = p_error
   WHERE o.id = p_id AND o.sent_at IS NULL AND (p_outcome = 'sent' OR (o.parked_at IS NULL AND o.attempts = p_attempt));
  RETURN FOUND;
END
$$;
-- +goose StatementEnd

-- How many mails wait, or are being sent.
-- +goose StatementBegin
CREATE FUNCTION app.count_waiting_mails() RETURNS bigint
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT count(*) FROM app.outbox o WHERE o.sent_at IS NULL AND o.parked_at IS NULL
$$;
-- +goose StatementEnd

-- Each of these deletes some rows that have been over for so many seconds, and returns how many it has deleted. Several
-- may run at once: none waits for a row that another one has in hand. A mail is over when it was put into the outbox,
-- whatever became of it; a session when it could not have been refreshed any longer; a rate limit when its window ended.
-- +goose StatementBegin
CREATE FUNCTION app.purge_outbox(p_limit integer, p_over_seconds double precision) RETURNS bigint
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  WITH past AS MATERIALIZED (
    SELECT o.id FROM app.outbox o
     WHERE o.created_at < now() - make_interval(secs => p_over_seconds)
     LIMIT p_limit
       FOR UPDATE SKIP LOCKED
  ), deleted AS (
    DELETE FROM app.outbox o USING past WHERE o.id = past.id RETURNING 1
  )
  SELECT count(*) FROM deleted
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION app.purge_rate_limits(p_limit integer, p_over_seconds double precision) RETURNS bigint
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  WITH past AS MATERIALIZED (
    SELECT r.bucket FROM app.rate_limits r
     WHERE r.ends_at < now() - make_interval(secs => p_over_seconds)
     LIMIT p_limit
       FOR UPDATE SKIP LOCKED
  ), deleted AS (
    DELETE FROM app.rate_limits r USING past WHERE r.bucket = past.bucket RETURNING 1
  )
  SELECT count(*) FROM deleted
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION app.purge_events(p_limit integer, p_over_seconds double precision) RETURNS bigint
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  WITH past AS MATERIALIZED (
    SELECT e.id FROM app.security_events e
     WHERE e.created_at < now() - make_interval(secs => p_over_seconds)
     LIMIT p_limit
       FOR UPDATE SKIP LOCKED
  ), deleted AS (
    DELETE FROM app.security_events e USING past WHERE e.id = past.id RETURNING 1
  )
  SELECT count(*) FROM deleted
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION app.purge_sessions(p_limit integer, p_over_seconds double precision) RETURNS bigint
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  WITH past AS MATERIALIZED (
    SELECT s.id FROM app.sessions s
     WHERE s.expires_at < now() - make_interval(secs => p_over_seconds)
     LIMIT p_limit
       FOR UPDATE SKIP LOCKED
  ), deleted AS (
    DELETE FROM app.sessions s USING past WHERE s.id = past.id RETURNING 1
  )
  SELECT count(*) FROM deleted
$$;
-- +goose StatementEnd

GRANT EXECUTE ON FUNCTION
  app.enqueue_mail(uuid, text, uuid, text, uuid, jsonb, double precision),
  app.claim_mails(integer, double precision),
  app.settle_mail(uuid, integer, text, double precision, text),
  app.count_waiting_mails(),
  app.purge_outbox(integer, double precision),
  app.purge_rate_limits(integer, double precision),
  app.purge_events(integer, double precision),
  app.purge_sessions(integer, double precision)
  TO freehold_app;
ALTER FUNCTION app.enqueue_mail(uuid, text, uuid, text, uuid, jsonb, double precision) OWNER TO freehold_definer;
ALTER FUNCTION app.claim_mails(integer, double precision) OWNER TO freehold_definer;
ALTER FUNCTION app.settle_mail(uuid, integer, text, double precision, text) OWNER TO freehold_definer;
ALTER FUNCTION app.count_waiting_mails() OWNER TO freehold_definer;
ALTER FUNCTION app.purge_outbox(integer, double precision) OWNER TO freehold_definer;
ALTER FUNCTION app.purge_rate_limits(integer, double precision) OWNER TO freehold_definer;
ALTER FUNCTION app.purge_events(integer, double precision) OWNER TO freehold_definer;
ALTER FUNCTION app.purge_sessions(integer, double precision) OWNER TO freehold_definer;

REVOKE CREATE ON SCHEMA app FROM freehold_definer;
