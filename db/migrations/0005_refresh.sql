-- Refreshing a session: its token is replaced by a successor, and the one before it is known for a while.

-- +goose Up

ALTER TABLE app.sessions ADD COLUMN previous_hash bytea, ADD COLUMN rotated_at timestamptz;
GRANT UPDATE (refresh_hash, previous_hash, rotated_at, last_used_at, idle_expires_at) ON app.sessions TO freehold_definer;

GRANT CREATE ON SCHEMA app TO freehold_definer; -- needed to hand the function over; taken back below

-- Exchanges a presented token for its successor. Never raises for a token that does not count, so that what it writes
-- (the end of a session whose token was reused) is committed. Outcomes: rotated; repeated (the token was exchanged a
-- moment ago, for the one whose hash is returned); reused (the session has ended by this); revoked; expired; invalid.
-- Only a genuine token that is neither the current nor the previous one was reused; one that was made up is invalid.
-- +goose StatementBegin
CREATE FUNCTION app.refresh_session(p_session_id uuid, p_presented bytea, p_successor bytea, p_genuine boolean,
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
  IF NOT FOUND OR EXISTS (SELECT FROM app.credentials c WHERE c.user_id = s.user_id AND c.disabled_at IS NOT NULL) THEN
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
           idle_expires_at = clock_timestamp() + make_interval(secs => p_idle_seconds)
     WHERE x.id = p_session_id;
    RETURN QUERY SELECT 'rotated', s.user_id, p_successor;
  ELSIF p_presented = s.previous_hash AND s.rotated_at + make_interval(secs => p_grace_seconds) > clock_timestamp() THEN
    RETURN QUERY SELECT 'repeated', s.user_id, s.refresh_hash;
  ELSE
    UPDATE app.sessions x SET revoked_at = clock_timestamp() WHERE x.id = p_session_id;
    RETURN QUERY SELECT 'reused', NULL::uuid, NULL::bytea;
  END IF;
END
$$;
-- +goose StatementEnd
GRANT EXECUTE ON FUNCTION app.refresh_session(uuid, bytea, bytea, boolean, double precision, integer) TO freehold_app;
ALTER FUNCTION app.refresh_session(uuid, bytea, bytea, boolean, double precision, integer) OWNER TO freehold_definer;

REVOKE CREATE ON SCHEMA app FROM freehold_definer;
