-- Executed by: freehold_app
-- Makes the owner of a live session the viewer of this transaction, sets the client and the statement timeout, and returns
-- the viewer. It waits for locks no longer than p_wait_ms. Raises FH001 for a revoked session, FH002 for an expired one, and
-- FH003 for an unknown one or a disabled account. It is written in plpgsql, which keeps its plan: in LANGUAGE sql it took
-- three times as long. The assignments call set_config without a query, which PERFORM would run.
--
-- A transaction that writes first shares the lock of its account, and then finds out whether the account is disabled. So either
-- app.set_disabled waits for it, or it is refused. If p_read_only is NULL, it takes no lock.
CREATE OR REPLACE FUNCTION app.enter_session(p_session_id uuid, p_timeout_ms text, p_wait_ms text, p_ip text, p_device text, p_read_only boolean)
  RETURNS uuid
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  s record;
  wait text := current_setting('lock_timeout');
  done text := set_config('lock_timeout', p_wait_ms, true);
BEGIN
  IF NOT p_read_only THEN
    PERFORM pg_advisory_xact_lock_shared(app.account_lock(x.user_id)) FROM app.sessions x WHERE x.id = p_session_id;
  END IF;
  SELECT x.user_id, x.revoked_at IS NOT NULL AS revoked, LEAST(x.expires_at, x.idle_expires_at) <= now() AS expired,
         c.disabled_at IS NOT NULL AS disabled
    INTO s
    FROM app.sessions x JOIN app.accounts c ON c.user_id = x.user_id
   WHERE x.id = p_session_id;
  IF NOT FOUND OR s.disabled THEN
    RAISE EXCEPTION 'session is invalid' USING ERRCODE = 'FH003';
  ELSIF s.revoked THEN
    RAISE EXCEPTION 'session was revoked' USING ERRCODE = 'FH001';
  ELSIF s.expired THEN
    RAISE EXCEPTION 'session has expired' USING ERRCODE = 'FH002';
  END IF;
  done := set_config('app.viewer_id', s.user_id::text, true);
  done := set_config('app.session_id', p_session_id::text, true);
  done := set_config('app.client_ip', p_ip, true);
  done := set_config('app.client_device', p_device, true);
  done := set_config('statement_timeout', p_timeout_ms, true);
  done := set_config('lock_timeout', wait, true);
  IF p_read_only THEN
    done := set_config('transaction_read_only', 'on', true);
  END IF;
  RETURN s.user_id;
END
$$;
