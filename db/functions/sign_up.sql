-- Executed by: freehold_app
-- Writes an account, its password if it has one, and its first session. Its owner then writes the profile, and adds any other
-- credential. With p_verified, the caller has proved the address. With p_pending_seconds, call app.suspend_until_verified after that.
CREATE OR REPLACE FUNCTION app.sign_up(p_user_id uuid, p_email text, p_email_key text, p_username_key text, p_password_hash text,
                                       p_session_id uuid, p_refresh_hash bytea, p_idle_seconds integer, p_seconds integer,
                                       p_pending_seconds integer, p_key_hash bytea, p_fingerprint bytea,
                                       p_amr text[], p_strong boolean, p_verified boolean, p_anonymous boolean)
  RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  used uuid; -- the credential of the session, if it is known
BEGIN
  PERFORM app.delete_expired_sign_up(p_username_key);
  INSERT INTO app.users (id) VALUES (p_user_id);
  IF p_key_hash IS NOT NULL THEN
    INSERT INTO app.sign_up_keys (key_hash, user_id, fingerprint) VALUES (p_key_hash, p_user_id, p_fingerprint);
  END IF;
  INSERT INTO app.user_private (user_id, email, email_key, email_verified_at, pending_until)
  VALUES (p_user_id, p_email, p_email_key, CASE WHEN p_verified THEN now() END, now() + make_interval(secs => p_pending_seconds));
  INSERT INTO app.accounts (user_id, password_hash, anonymous) VALUES (p_user_id, '', p_anonymous);
  used := app.put_password(p_user_id, p_password_hash);
  IF p_verified THEN
    PERFORM app.put_email_code(p_user_id);
    PERFORM app.delete_rival_codes(p_email_key, p_user_id);
    SELECT COALESCE(used, k.id) INTO used FROM app.credentials k WHERE k.user_id = p_user_id AND k.kind = 'EMAIL_CODE' AND 'email' = ANY (p_amr);
  END IF;
  PERFORM app.start_session(p_user_id, p_session_id, p_refresh_hash, p_idle_seconds, p_seconds, p_amr, p_strong, used);
  PERFORM app.record_event(p_user_id, 'SIGNED_UP');
END
$$;
