-- Executed by: freehold_app
-- Uses a code that proves the address of an account. If its owner is the viewer, only the other codes are deleted. Otherwise
-- it starts a session and revokes all earlier access, since a stranger may have signed up with the address. The credentials
-- stay only if the account was pending, and p_seen_hash is its hash or p_passkey_id the credential of its passkey, which the client has
-- proved. No row if the code is invalid or has expired.
CREATE OR REPLACE FUNCTION app.verify_email(p_code_id uuid, p_seen_hash text, p_session_id uuid, p_refresh_hash bytea, p_idle_seconds integer, p_seconds integer,
                                            p_passkey_id uuid)
  RETURNS TABLE (user_id uuid, password_cleared boolean)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  used record;
  was record;
  cleared boolean := false;
  by_passkey boolean;
BEGIN
  PERFORM FROM app.accounts c JOIN app.codes k ON k.user_id = c.user_id
    WHERE k.id = p_code_id AND c.disabled_at IS NULL
      FOR NO KEY UPDATE OF c;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  DELETE FROM app.codes k WHERE k.id = p_code_id AND k.purpose = 'VERIFY_EMAIL' AND k.expires_at > clock_timestamp()
  RETURNING k.user_id, k.email_key INTO used;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  SELECT u.pending_until, u.pending_visibility INTO was
    FROM app.user_private u
   WHERE u.user_id = used.user_id AND u.email_key = used.email_key AND (u.pending_until IS NULL OR u.pending_until > now());
  IF NOT FOUND THEN
    RETURN;
  END IF;
  UPDATE app.user_private u SET email_verified_at = now(), pending_until = NULL, pending_visibility = NULL WHERE u.user_id = used.user_id;
  IF was.pending_until IS NOT NULL THEN
    UPDATE app.profiles p SET visibility = was.pending_visibility WHERE p.user_id = used.user_id;
  END IF;
  PERFORM app.delete_rival_codes(used.email_key, used.user_id);
  IF used.user_id IS NOT DISTINCT FROM app.viewer_id() THEN
    PERFORM app.put_email_code(used.user_id);
    UPDATE app.credentials k SET last_used_at = clock_timestamp() WHERE k.user_id = used.user_id AND k.kind = 'EMAIL_CODE';
    DELETE FROM app.codes k WHERE k.user_id = used.user_id;
    PERFORM app.record_event(used.user_id, 'EMAIL_VERIFIED');
  ELSE
    PERFORM app.revoke_access(used.user_id, NULL);
    by_passkey := EXISTS (SELECT FROM app.credentials k WHERE k.user_id = used.user_id AND k.id = p_passkey_id AND k.kind = 'PASSKEY');
    cleared := was.pending_until IS NULL OR NOT by_passkey AND
      NOT EXISTS (SELECT FROM app.accounts c WHERE c.user_id = used.user_id AND c.password_hash = p_seen_hash AND p_seen_hash <> '');
    IF cleared THEN
      PERFORM app.clear_credentials(used.user_id);
      UPDATE app.accounts c SET reset_at = now(), reset_ip = app.client_ip() WHERE c.user_id = used.user_id;
    END IF;
    PERFORM app.put_email_code(used.user_id);
    PERFORM app.record_event(used.user_id, 'EMAIL_VERIFIED');
    PERFORM app.start_session(used.user_id, p_session_id, p_refresh_hash, p_idle_seconds, p_seconds,
                              CASE WHEN cleared THEN '{email}'::text[] WHEN by_passkey THEN '{email,pop}' ELSE '{email,pwd}' END, false,
                              (SELECT k.id FROM app.credentials k WHERE k.user_id = used.user_id AND k.kind = 'EMAIL_CODE'));
    PERFORM app.record_event(used.user_id, 'SIGNED_IN');
  END IF;
  RETURN QUERY SELECT used.user_id, cleared;
END
$$;
