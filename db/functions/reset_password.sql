-- Executed by: freehold_app
-- Uses a code to set a new password, which also verifies the address, and revokes all access to the account. Its other credentials
-- stay, and so does a second factor, unless nobody had verified the address before. Returns the recipient of a notice; no row if the
-- code is invalid or has expired.
CREATE OR REPLACE FUNCTION app.reset_password(p_code_id uuid, p_password_hash text) RETURNS TABLE (email text, username text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  used record;
  was_verified boolean;
BEGIN
  PERFORM FROM app.accounts c JOIN app.codes k ON k.user_id = c.user_id
    WHERE k.id = p_code_id AND c.disabled_at IS NULL
      FOR NO KEY UPDATE OF c; -- the first lock of every change of an account
  IF NOT FOUND THEN
    RETURN;
  END IF;
  DELETE FROM app.codes k WHERE k.id = p_code_id AND k.purpose = 'RESET_PASSWORD' AND k.expires_at > clock_timestamp()
  RETURNING k.user_id, k.email_key INTO used;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  SELECT u.email_verified_at IS NOT NULL INTO was_verified FROM app.user_private u
   WHERE u.user_id = used.user_id AND u.email_key = used.email_key AND u.pending_until IS NULL;
  IF NOT FOUND THEN
    RETURN;
  ELSIF NOT was_verified THEN -- a stranger may have signed up with the address
    PERFORM app.clear_credentials(used.user_id);
    UPDATE app.user_private u SET email_verified_at = now() WHERE u.user_id = used.user_id;
    PERFORM app.put_email_code(used.user_id);
  END IF;
  PERFORM app.put_password(used.user_id, p_password_hash);
  UPDATE app.accounts c SET reset_at = now(), reset_ip = app.client_ip() WHERE c.user_id = used.user_id;
  PERFORM app.revoke_access(used.user_id, NULL);
  PERFORM app.delete_rival_codes(used.email_key, used.user_id);
  PERFORM app.record_event(used.user_id, 'PASSWORD_RESET');
  RETURN QUERY SELECT u.email, p.username FROM app.user_private u JOIN app.profiles p ON p.user_id = u.user_id WHERE u.user_id = used.user_id;
END
$$;
