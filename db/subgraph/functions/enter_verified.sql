-- Executed by: freehold_app
-- Makes the user of a verified access token the viewer of this transaction, with the scopes of the token, sets the client and
-- the statement timeout, and returns the viewer. The first transaction of a user that may write records the user in app.users.
-- It waits for locks no longer than p_wait_ms. Raises FH002 for a token that has expired, and FH003 for a user who was forgotten,
-- and for a token without a user or an expiry. p_expires is a Unix time. A database with accounts never has this function: there,
-- a viewer proves a session.
CREATE OR REPLACE FUNCTION app.enter_verified(p_user_id uuid, p_session_id uuid, p_expires bigint, p_scopes text, p_timeout_ms text,
                                              p_wait_ms text, p_ip text, p_device text, p_read_only boolean)
  RETURNS uuid
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  wait text := current_setting('lock_timeout');
  done text := set_config('lock_timeout', p_wait_ms, true);
BEGIN
  IF p_user_id IS NULL OR p_expires IS NULL THEN
    RAISE EXCEPTION 'token is invalid' USING ERRCODE = 'FH003';
  ELSIF to_timestamp(p_expires) <= now() THEN
    RAISE EXCEPTION 'token has expired' USING ERRCODE = 'FH002';
  END IF;
  IF NOT p_read_only AND current_setting('transaction_read_only') = 'off'
     AND NOT EXISTS (SELECT FROM app.users u WHERE u.id = p_user_id) THEN
    INSERT INTO app.users (id) VALUES (p_user_id) ON CONFLICT DO NOTHING;
  END IF;
  -- After the INSERT, which waits for app.forget_user.
  IF EXISTS (SELECT FROM app.forgotten_users f WHERE f.user_id = p_user_id) THEN
    RAISE EXCEPTION 'user was forgotten' USING ERRCODE = 'FH003';
  END IF;
  done := set_config('app.viewer_id', p_user_id::text, true);
  done := set_config('app.session_id', p_session_id::text, true);
  done := set_config('app.scopes', p_scopes, true);
  done := set_config('app.client_ip', p_ip, true);
  done := set_config('app.client_device', p_device, true);
  done := set_config('statement_timeout', p_timeout_ms, true);
  done := set_config('lock_timeout', wait, true);
  IF p_read_only THEN
    done := set_config('transaction_read_only', 'on', true);
  END IF;
  RETURN p_user_id;
END
$$;
