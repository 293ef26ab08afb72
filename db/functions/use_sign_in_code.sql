-- Executed by: freehold_app
-- Uses a code that signs in to the account of its address, and locks the account. If nobody had verified the address, a stranger may
-- have signed up with it: this verifies it, and ends all earlier access, as app.verify_email does. Returns the EMAIL_CODE credential
-- of the account, and whether the address was verified just now; no row if the code cannot sign in to an account, for example because
-- its owner has removed that credential.
CREATE OR REPLACE FUNCTION app.use_sign_in_code(p_code_id uuid) RETURNS TABLE (user_id uuid, credential_id uuid, verified_now boolean)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  used record;
  v_user_id uuid;
  was_verified boolean;
BEGIN
  SELECT c.user_id INTO v_user_id
    FROM app.codes k JOIN app.user_private u ON u.email_key = k.email_key AND u.pending_until IS NULL JOIN app.accounts c ON c.user_id = u.user_id
   WHERE k.id = p_code_id AND k.user_id IN (u.user_id, '00000000-0000-0000-0000-000000000000') AND c.disabled_at IS NULL
     FOR NO KEY UPDATE OF c;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  DELETE FROM app.codes k WHERE k.id = p_code_id AND k.purpose = 'SIGN_IN' AND k.expires_at > clock_timestamp() RETURNING k.email_key INTO used;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  SELECT u.email_verified_at IS NOT NULL INTO was_verified FROM app.user_private u WHERE u.user_id = v_user_id AND u.email_key = used.email_key;
  IF NOT FOUND THEN
    RETURN;
  ELSIF NOT was_verified THEN
    PERFORM app.revoke_access(v_user_id, NULL);
    PERFORM app.clear_credentials(v_user_id);
    UPDATE app.accounts c SET reset_at = now(), reset_ip = app.client_ip() WHERE c.user_id = v_user_id;
    UPDATE app.user_private u SET email_verified_at = now() WHERE u.user_id = v_user_id;
    PERFORM app.put_email_code(v_user_id);
    PERFORM app.delete_rival_codes(used.email_key, v_user_id);
    PERFORM app.record_event(v_user_id, 'EMAIL_VERIFIED');
  END IF;
  RETURN QUERY SELECT v_user_id, k.id, NOT was_verified FROM app.credentials k WHERE k.user_id = v_user_id AND k.kind = 'EMAIL_CODE';
END
$$;
