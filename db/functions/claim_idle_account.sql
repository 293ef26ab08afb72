-- Executed by: freehold_app
-- Starts a short session of an anonymous account that nobody has used for p_idle_seconds, so that its owner's hooks can run before it
-- is deleted in the same transaction. NULL if there is none. Several callers may purge at once: none waits for an account that another
-- one has locked. An account that was used since is looked at again when it could be idle; so each is looked at once in that time.
CREATE OR REPLACE FUNCTION app.claim_idle_account(p_idle_seconds double precision, p_session_id uuid, p_refresh_hash bytea) RETURNS uuid
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  due uuid;
  idle_at timestamptz;
BEGIN
  FOR n IN 1..1000 LOOP
    SELECT c.user_id INTO due FROM app.accounts c WHERE c.anonymous AND c.disabled_at IS NULL AND c.idle_check_at <= now() ORDER BY c.idle_check_at LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
      RETURN NULL;
    END IF;
    SELECT max(s.last_used_at) + make_interval(secs => p_idle_seconds) INTO idle_at FROM app.sessions s WHERE s.user_id = due;
    IF idle_at > now() THEN
      UPDATE app.accounts c SET idle_check_at = idle_at WHERE c.user_id = due;
    ELSE
      PERFORM app.start_session(due, p_session_id, p_refresh_hash, 60, 60, '{}', false, NULL);
      RETURN due;
    END IF;
  END LOOP;
  RETURN NULL;
END
$$;
