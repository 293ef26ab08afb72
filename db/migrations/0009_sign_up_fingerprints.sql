-- A fingerprint of the values is stored with the key of a sign-up, so that a key that returns with other values is refused.

-- +goose Up

DELETE FROM app.sign_up_keys; -- their values are unknown, and they are kept for a day only
ALTER TABLE app.sign_up_keys ADD COLUMN fingerprint bytea NOT NULL;

GRANT CREATE ON SCHEMA app TO freehold_definer; -- needed to hand functions over; taken back below

-- Writes an account, its credentials and its first session. The profile follows, written as its owner. With a time for
-- which it is pending, app.await_verification has to follow as well.
DROP FUNCTION app.sign_up(uuid, text, text, text, text, uuid, bytea, integer, integer, integer, bytea);
-- +goose StatementBegin
CREATE FUNCTION app.sign_up(p_user_id uuid, p_email text, p_email_key text, p_username_key text, p_password_hash text,
                            p_session_id uuid, p_refresh_hash bytea, p_idle_seconds integer, p_seconds integer,
                            p_pending_seconds integer, p_key_hash bytea, p_fingerprint bytea)
  RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  PERFORM app.drop_overdue(p_username_key);
  INSERT INTO app.users (id) VALUES (p_user_id);
  IF p_key_hash IS NOT NULL THEN
    INSERT INTO app.sign_up_keys (key_hash, user_id, fingerprint) VALUES (p_key_hash, p_user_id, p_fingerprint);
  END IF;
  INSERT INTO app.user_private (user_id, email, email_key, pending_until)
  VALUES (p_user_id, p_email, p_email_key, now() + make_interval(secs => p_pending_seconds));
  INSERT INTO app.credentials (user_id, password_hash) VALUES (p_user_id, p_password_hash);
  PERFORM app.start_session(p_user_id, p_session_id, p_refresh_hash, p_idle_seconds, p_seconds);
  PERFORM app.record_event(p_user_id, 'SIGNED_UP');
END
$$;
-- +goose StatementEnd

-- The account that a key has signed up, what was sent with the key, and what a retry has to prove. None for an account
-- that is disabled or overdue.
DROP FUNCTION app.find_sign_up(bytea);
-- +goose StatementBegin
CREATE FUNCTION app.find_sign_up(p_key_hash bytea)
  RETURNS TABLE (user_id uuid, email_key text, password_hash text, pending boolean, is_verified boolean, fingerprint bytea)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT u.user_id, u.email_key, c.password_hash, u.pending_until IS NOT NULL, u.email_verified_at IS NOT NULL, k.fingerprint
    FROM app.sign_up_keys k
    JOIN app.user_private u ON u.user_id = k.user_id
    JOIN app.credentials c ON c.user_id = k.user_id
   WHERE k.key_hash = p_key_hash AND c.disabled_at IS NULL AND (u.pending_until IS NULL OR u.pending_until > now())
$$;
-- +goose StatementEnd

GRANT EXECUTE ON FUNCTION
  app.sign_up(uuid, text, text, text, text, uuid, bytea, integer, integer, integer, bytea, bytea),
  app.find_sign_up(bytea)
  TO freehold_app;
ALTER FUNCTION app.sign_up(uuid, text, text, text, text, uuid, bytea, integer, integer, integer, bytea, bytea) OWNER TO freehold_definer;
ALTER FUNCTION app.find_sign_up(bytea) OWNER TO freehold_definer;

REVOKE CREATE ON SCHEMA app FROM freehold_definer;
