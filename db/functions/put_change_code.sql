-- Executed by: freehold_owner
-- Creates a code that proves a new address of an account, for the command line, as app.request_email_change does for its owner. Returns
-- OK, or why not: TAKEN if another account has the address, or REFUSED if the account is not active or has no address.
CREATE OR REPLACE FUNCTION app.put_change_code(p_user_id uuid, p_code_id uuid, p_email text, p_email_key text, p_valid_seconds double precision) RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  PERFORM FROM app.user_private u JOIN app.accounts c ON c.user_id = u.user_id
    WHERE u.user_id = p_user_id AND u.email IS NOT NULL AND u.pending_until IS NULL AND c.disabled_at IS NULL
      FOR KEY SHARE OF c;
  IF NOT FOUND THEN
    RETURN 'REFUSED';
  ELSIF EXISTS (SELECT FROM app.user_private u WHERE u.email_key = p_email_key AND u.pending_until IS NULL AND u.user_id <> p_user_id) THEN
    RETURN 'TAKEN';
  END IF;
  DELETE FROM app.codes k WHERE k.user_id = p_user_id AND k.purpose = 'CHANGE_EMAIL';
  PERFORM app.put_code(p_code_id, 'CHANGE_EMAIL', p_email, p_email_key, p_user_id, p_valid_seconds);
  PERFORM app.record_operator_event(p_user_id, 'EMAIL_CHANGE_STARTED', NULL);
  RETURN 'OK';
END
$$;
