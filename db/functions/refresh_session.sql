-- Executed by: freehold_app
-- Exchanges a refresh token for its successor. It never raises an error for an invalid token, so that its writes are
-- committed. The outcomes: rotated; repeated (the token was exchanged within the grace period; the hash of the current token
-- is returned); reused (this revoked the session); revoked; expired; invalid. A token that is neither the current nor the
-- previous one is reused if it is genuine, and otherwise invalid.
CREATE OR REPLACE FUNCTION app.refresh_session(p_session_id uuid, p_presented bytea, p_successor bytea, p_genuine boolean,
                                               p_grace_seconds double precision, p_idle_seconds integer)
  RETURNS TABLE (outcome text, user_id uuid, current_hash bytea)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  s record;
BEGIN
  SELECT x.user_id, x.refresh_hash, x.previous_hash, x.rotated_at, x.revoked_at, x.expires_at, x.idle_expires_at
    INTO s
    FROM app.sessions x
   WHERE x.id = p_session_id
     FOR NO KEY UPDATE;
  IF NOT FOUND OR EXISTS (SELECT FROM app.accounts c WHERE c.user_id = s.user_id AND c.disabled_at IS NOT NULL) THEN
    RETURN QUERY SELECT 'invalid', NULL::uuid, NULL::bytea;
  ELSIF NOT p_genuine AND p_presented <> s.refresh_hash AND p_presented IS DISTINCT FROM s.previous_hash THEN
    RETURN QUERY SELECT 'invalid', NULL::uuid, NULL::bytea;
  ELSIF s.revoked_at IS NOT NULL THEN
    RETURN QUERY SELECT 'revoked', NULL::uuid, NULL::bytea;
  ELSIF LEAST(s.expires_at, s.idle_expires_at) <= clock_timestamp() THEN
    RETURN QUERY SELECT 'expired', NULL::uuid, NULL::bytea;
  ELSIF p_presented = s.refresh_hash THEN
    UPDATE app.sessions x
       SET refresh_hash = p_successor, previous_hash = p_presented, rotated_at = clock_timestamp(), last_used_at = clock_timestamp(),
           idle_expires_at = clock_timestamp() + make_interval(secs => p_idle_seconds),
           device = COALESCE(app.client_device(), x.device), ip = COALESCE(app.client_ip(), x.ip)
     WHERE x.id = p_session_id;
    RETURN QUERY SELECT 'rotated', s.user_id, p_successor;
  ELSIF p_presented = s.previous_hash AND s.rotated_at + make_interval(secs => p_grace_seconds) > clock_timestamp() THEN
    RETURN QUERY SELECT 'repeated', s.user_id, s.refresh_hash;
  ELSE
    UPDATE app.sessions x SET revoked_at = clock_timestamp() WHERE x.id = p_session_id;
    PERFORM app.record_event(s.user_id, 'REFRESH_TOKEN_REUSED');
    RETURN QUERY SELECT 'reused', NULL::uuid, NULL::bytea;
  END IF;
END
$$;
