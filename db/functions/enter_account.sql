-- Executed by: freehold_app
-- Starts a session of an account for a client that has proved a credential of it, with the ways that it has proved (RFC 8176).
-- Returns 'started'; 'second_factor' if the account has a second factor and p_strong is false, and then writes nothing; or
-- 'refused' for an account that cannot be used or, with p_verified_only, whose address is not verified, and then records that.
CREATE OR REPLACE FUNCTION app.enter_account(p_user_id uuid, p_credential_id uuid, p_session_id uuid, p_refresh_hash bytea, p_idle_seconds integer,
                                             p_seconds integer, p_amr text[], p_strong boolean, p_verified_only boolean)
  RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  PERFORM FROM app.accounts c JOIN app.user_private u ON u.user_id = c.user_id
    WHERE c.user_id = p_user_id AND c.disabled_at IS NULL AND u.pending_until IS NULL
      AND (u.email_verified_at IS NOT NULL OR u.email IS NULL OR NOT p_verified_only)
      FOR NO KEY UPDATE OF c;
  IF NOT FOUND THEN
    PERFORM app.record_refused_sign_in(p_user_id);
    RETURN 'refused';
  ELSIF NOT p_strong AND EXISTS (SELECT FROM app.credentials k WHERE k.user_id = p_user_id AND k.kind = 'TOTP') THEN
    RETURN 'second_factor';
  END IF;
  PERFORM app.start_session(p_user_id, p_session_id, p_refresh_hash, p_idle_seconds, p_seconds, p_amr, p_strong, p_credential_id);
  PERFORM app.record_event(p_user_id, 'SIGNED_IN');
  RETURN 'started';
END
$$;
