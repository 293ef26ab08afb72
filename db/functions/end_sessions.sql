-- Executed by: freehold_owner
-- Revokes all sessions of an account, for an operator, or for the command line if p_operator_id is NULL. Returns how many were
-- live; NULL for an unknown account.
CREATE OR REPLACE FUNCTION app.end_sessions(p_user_id uuid, p_operator_id uuid) RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  n integer;
BEGIN
  PERFORM FROM app.accounts c WHERE c.user_id = p_user_id FOR NO KEY UPDATE; -- no session starts meanwhile
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  UPDATE app.sessions s SET revoked_at = now()
   WHERE s.user_id = p_user_id AND s.revoked_at IS NULL
     AND LEAST(s.expires_at, s.idle_expires_at, s.revoked_at) > now(); -- the expression of the index sessions_live
  GET DIAGNOSTICS n = ROW_COUNT;
  IF n > 0 THEN
    PERFORM app.record_operator_event(p_user_id, 'SESSIONS_REVOKED', p_operator_id);
  END IF;
  RETURN n;
END
$$;
