-- Executed by: freehold_app
-- Uses a step of an authenticator app of an account, whose code the caller has compared. It locks the account. False if this step or a
-- later one was used already, or if the account has no such authenticator app.
CREATE OR REPLACE FUNCTION app.use_totp_step(p_user_id uuid, p_credential_id uuid, p_step bigint) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  PERFORM FROM app.accounts c WHERE c.user_id = p_user_id FOR NO KEY UPDATE;
  UPDATE app.totp_secrets t SET last_step = p_step
    FROM app.credentials k
   WHERE t.credential_id = p_credential_id AND t.last_step < p_step AND k.id = t.credential_id AND k.user_id = p_user_id;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  UPDATE app.credentials k SET last_used_at = clock_timestamp() WHERE k.id = p_credential_id;
  RETURN true;
END
$$;
