-- Limits that keep strangers from locking an owner out.

-- +goose Up

ALTER TABLE app.sessions ADD COLUMN signed_out boolean NOT NULL DEFAULT false; -- its own client ended it, so that client stays known
GRANT UPDATE (signed_out) ON app.sessions TO freehold_definer;

GRANT CREATE ON SCHEMA app TO freehold_definer; -- needed to hand functions over; taken back below

-- Counts one more in each of these buckets if all of them are open, and in none otherwise. Returns for how many seconds one
-- of them is closed, 0 if it was counted; and for how many seconds one of them admits no further, 0 if each does. The buckets
-- are locked in one order, or two callers could wait for each other.
DROP FUNCTION app.count_hit(text, integer, integer);
-- +goose StatementBegin
CREATE FUNCTION app.count_hits(p_buckets text[], p_limits integer[], p_windows integer[])
  RETURNS TABLE (closed_seconds integer, full_seconds integer)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  until timestamptz;
BEGIN
  INSERT INTO app.rate_limits AS r (bucket, hits, ends_at)
  SELECT b.bucket, 0, now() + make_interval(secs => b.seconds)
    FROM unnest(p_buckets, p_windows) AS b (bucket, seconds)
   ORDER BY b.bucket
  ON CONFLICT (bucket) DO UPDATE
     SET hits    = CASE WHEN r.ends_at <= now() THEN 0 ELSE r.hits END,
         ends_at = CASE WHEN r.ends_at <= now() THEN excluded.ends_at ELSE r.ends_at END;
  SELECT max(r.ends_at) INTO until
    FROM unnest(p_buckets, p_limits) AS b (bucket, hits) JOIN app.rate_limits r ON r.bucket = b.bucket
   WHERE r.hits >= b.hits;
  IF until IS NOT NULL THEN
    RETURN QUERY SELECT GREATEST(1, ceil(extract(epoch FROM until - now())))::integer, 0;
    RETURN;
  END IF;
  UPDATE app.rate_limits r SET hits = r.hits + 1 WHERE r.bucket = ANY (p_buckets);
  SELECT max(r.ends_at) INTO until
    FROM unnest(p_buckets, p_limits) AS b (bucket, hits) JOIN app.rate_limits r ON r.bucket = b.bucket
   WHERE r.hits >= b.hits;
  RETURN QUERY SELECT 0, CASE WHEN until IS NULL THEN 0 ELSE GREATEST(1, ceil(extract(epoch FROM until - now())))::integer END;
END
$$;
-- +goose StatementEnd

-- Whether an account is used from a block of addresses: a session that nobody has revoked was started there since the address
-- was last used to take the account over, or that happened there.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION app.is_known_client(p_email_key text, p_block text) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT EXISTS (SELECT FROM app.user_private u JOIN app.credentials c ON c.user_id = u.user_id
                  WHERE u.email_key = p_email_key AND u.pending_until IS NULL
                    AND (c.reset_ip <<= NULLIF(p_block, '')::inet
                         OR EXISTS (SELECT FROM app.sessions s
                                     WHERE s.user_id = u.user_id AND s.ip <<= NULLIF(p_block, '')::inet
                                       AND (s.revoked_at IS NULL OR s.signed_out)
                                       AND s.created_at >= COALESCE(c.reset_at, '-infinity'))))
$$;
-- +goose StatementEnd

-- Whether something was counted in a bucket whose window has not ended.
-- +goose StatementBegin
CREATE FUNCTION app.has_hits(p_bucket text) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$ SELECT EXISTS (SELECT FROM app.rate_limits r WHERE r.bucket = p_bucket AND r.hits > 0 AND r.ends_at > now()) $$;
-- +goose StatementEnd

-- Whether the owner of an account has proved its address.
-- +goose StatementBegin
CREATE FUNCTION app.is_proved(p_email_key text) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$ SELECT EXISTS (SELECT FROM app.user_private u WHERE u.email_key = p_email_key AND u.email_verified_at IS NOT NULL) $$;
-- +goose StatementEnd

-- Revokes the oldest live sessions of the viewer until there are no more than so many. The one that asks stays.
-- +goose StatementBegin
CREATE FUNCTION app.end_oldest_sessions(p_keep integer) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  UPDATE app.sessions x SET revoked_at = now()
   WHERE x.id IN (SELECT s.id FROM app.sessions s
                   WHERE s.user_id = app.viewer_id() AND s.id <> app.session_id() AND s.revoked_at IS NULL
                     AND LEAST(s.expires_at, s.idle_expires_at) > now()
                   ORDER BY s.created_at DESC, s.id DESC
                  OFFSET GREATEST(p_keep - 1, 0))
$$;
-- +goose StatementEnd

-- Deletes the oldest events of each kind of an account, until there are no more than so many; also those of no account. Returns
-- how many it has deleted.
-- +goose StatementBegin
CREATE FUNCTION app.purge_excess_events(p_limit integer, p_keep integer) RETURNS bigint
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  WITH many AS MATERIALIZED (
    SELECT e.user_id, e.kind FROM app.security_events e GROUP BY e.user_id, e.kind HAVING count(*) > p_keep LIMIT 100
  ), past AS MATERIALIZED (
    SELECT x.id FROM many m CROSS JOIN LATERAL (
      SELECT e.id FROM app.security_events e
       WHERE e.user_id IS NOT DISTINCT FROM m.user_id AND e.kind = m.kind
       ORDER BY e.created_at DESC, e.id DESC
      OFFSET p_keep) x
     LIMIT p_limit
  ), deleted AS (
    DELETE FROM app.security_events e USING past WHERE e.id = past.id RETURNING 1
  )
  SELECT count(*) FROM deleted
$$;
-- +goose StatementEnd

-- Puts a code in the place of an older one for the same. It is valid for as long as the older one at least: that one may be
-- the last that the limits let anyone ask for.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION app.put_code(p_id uuid, p_purpose text, p_email text, p_email_key text, p_user_id uuid, p_valid_seconds double precision)
  RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  INSERT INTO app.codes AS k (id, purpose, email, email_key, user_id, expires_at)
  VALUES (p_id, p_purpose, p_email, p_email_key, COALESCE(p_user_id, '00000000-0000-0000-0000-000000000000'),
          clock_timestamp() + make_interval(secs => p_valid_seconds))
  ON CONFLICT (email_key, purpose, user_id) DO UPDATE
     SET id = excluded.id, email = excluded.email, expires_at = GREATEST(k.expires_at, excluded.expires_at)
$$;
-- +goose StatementEnd

-- Ends a session of the viewer that has not ended, and notes whether it is the one that asks. False for any other session.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION app.revoke_session(p_session_id uuid) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  UPDATE app.sessions SET revoked_at = now(), signed_out = (p_session_id IS NOT DISTINCT FROM app.session_id())
   WHERE id = p_session_id AND user_id = app.viewer_id() AND revoked_at IS NULL;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  PERFORM app.record_event(app.viewer_id(), CASE WHEN p_session_id = app.session_id() THEN 'SIGNED_OUT' ELSE 'SESSION_REVOKED' END);
  RETURN true;
END
$$;
-- +goose StatementEnd

-- Revokes the session of a refresh token, and reports whether it was live. The token may be an old one of the session: we
-- issued it, and using it again would revoke the session too.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION app.sign_out(p_session_id uuid, p_presented bytea, p_genuine boolean) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  v_user_id uuid;
BEGIN
  UPDATE app.sessions s SET revoked_at = clock_timestamp(), signed_out = true
   WHERE s.id = p_session_id AND (p_genuine OR p_presented IN (s.refresh_hash, s.previous_hash))
     AND s.revoked_at IS NULL AND LEAST(s.expires_at, s.idle_expires_at) > clock_timestamp()
  RETURNING s.user_id INTO v_user_id;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  PERFORM app.record_event(v_user_id, 'SIGNED_OUT');
  RETURN true;
END
$$;
-- +goose StatementEnd

-- Puts a mail into the outbox, which is sent after some seconds at the earliest. Without a time for which it is valid it is never
-- too late. A mail that nobody is to get is written like the others, so that it can't be told from them, and given up at once.
DROP FUNCTION app.enqueue_mail(uuid, text, uuid, text, uuid, jsonb, double precision, boolean);
-- +goose StatementBegin
CREATE FUNCTION app.enqueue_mail(p_id uuid, p_kind text, p_user_id uuid, p_recipient text, p_code_id uuid, p_data jsonb,
                                 p_valid_seconds double precision, p_after_seconds double precision, p_withheld boolean)
  RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  INSERT INTO app.outbox (id, kind, user_id, recipient, code_id, data, expires_at, next_attempt_at, parked_at, last_error)
  VALUES (p_id, p_kind, p_user_id, p_recipient, p_code_id, p_data, now() + make_interval(secs => p_valid_seconds),
          now() + make_interval(secs => p_after_seconds),
          CASE WHEN p_withheld THEN now() END, CASE WHEN p_withheld THEN 'for nobody' END)
$$;
-- +goose StatementEnd

-- Uses a code that proves the address of an account. The viewer may be its owner. Otherwise a session is started, and everything
-- by which the account was reached before ends: somebody else may have signed up with the address. Its password stays only if the
-- account has waited for this, and the hash is the one that the client has proved to know the password of. No row if the code is
-- not valid any more.
DROP FUNCTION app.verify_email(uuid, uuid, bytea, integer, integer);
-- +goose StatementBegin
CREATE FUNCTION app.verify_email(p_code_id uuid, p_seen_hash text, p_session_id uuid, p_refresh_hash bytea, p_idle_seconds integer, p_seconds integer)
  RETURNS TABLE (user_id uuid, password_cleared boolean)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  used record;
  was record;
  cleared boolean := false;
BEGIN
  PERFORM FROM app.credentials c JOIN app.codes k ON k.user_id = c.user_id
    WHERE k.id = p_code_id AND c.disabled_at IS NULL
      FOR NO KEY UPDATE OF c;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  DELETE FROM app.codes k WHERE k.id = p_code_id AND k.purpose = 'VERIFY_EMAIL' AND k.expires_at > clock_timestamp()
  RETURNING k.user_id, k.email_key INTO used;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  SELECT u.pending_until, u.pending_visibility INTO was
    FROM app.user_private u
   WHERE u.user_id = used.user_id AND u.email_key = used.email_key AND (u.pending_until IS NULL OR u.pending_until > now());
  IF NOT FOUND THEN
    RETURN;
  END IF;
  UPDATE app.user_private u SET email_verified_at = now(), pending_until = NULL, pending_visibility = NULL WHERE u.user_id = used.user_id;
  IF was.pending_until IS NOT NULL THEN
    UPDATE app.profiles p SET visibility = was.pending_visibility WHERE p.user_id = used.user_id;
  END IF;
  PERFORM app.silence_rivals(used.email_key, used.user_id);
  IF used.user_id IS NOT DISTINCT FROM app.viewer_id() THEN
    DELETE FROM app.codes k WHERE k.user_id = used.user_id;
    PERFORM app.record_event(used.user_id, 'EMAIL_VERIFIED');
  ELSE
    PERFORM app.shut_out(used.user_id, NULL);
    cleared := was.pending_until IS NULL OR NOT EXISTS (SELECT FROM app.credentials c WHERE c.user_id = used.user_id AND c.password_hash = p_seen_hash AND p_seen_hash <> '');
    IF cleared THEN
      UPDATE app.credentials c SET password_hash = '', updated_at = now(), reset_at = now(), reset_ip = app.client_ip()
       WHERE c.user_id = used.user_id;
    END IF;
    PERFORM app.record_event(used.user_id, 'EMAIL_VERIFIED');
    PERFORM app.start_session(used.user_id, p_session_id, p_refresh_hash, p_idle_seconds, p_seconds);
    PERFORM app.record_event(used.user_id, 'SIGNED_IN');
  END IF;
  RETURN QUERY SELECT used.user_id, cleared;
END
$$;
-- +goose StatementEnd

GRANT EXECUTE ON FUNCTION
  app.verify_email(uuid, text, uuid, bytea, integer, integer),
  app.enqueue_mail(uuid, text, uuid, text, uuid, jsonb, double precision, double precision, boolean),
  app.count_hits(text[], integer[], integer[]),
  app.has_hits(text),
  app.is_proved(text),
  app.end_oldest_sessions(integer),
  app.purge_excess_events(integer, integer)
  TO freehold_app;
ALTER FUNCTION app.enqueue_mail(uuid, text, uuid, text, uuid, jsonb, double precision, double precision, boolean) OWNER TO freehold_definer;
ALTER FUNCTION app.verify_email(uuid, text, uuid, bytea, integer, integer) OWNER TO freehold_definer;
ALTER FUNCTION app.has_hits(text) OWNER TO freehold_definer;
ALTER FUNCTION app.is_proved(text) OWNER TO freehold_definer;
ALTER FUNCTION app.end_oldest_sessions(integer) OWNER TO freehold_definer;
ALTER FUNCTION app.purge_excess_events(integer, integer) OWNER TO freehold_definer;
ALTER FUNCTION app.count_hits(text[], integer[], integer[]) OWNER TO freehold_definer;

REVOKE CREATE ON SCHEMA app FROM freehold_definer;
