-- Executed by: freehold_owner
-- Creates a code that resets the password of an account, for an operator, or for the command line if p_operator_id is NULL.
-- Returns the recipient; no row if the account is not active, or no longer has the address.
CREATE OR REPLACE FUNCTION app.put_reset_code(p_user_id uuid, p_email_key text, p_code_id uuid, p_valid_seconds double precision, p_operator_id uuid)
  RETURNS TABLE (email text, username text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  found record;
BEGIN
  SELECT u.email, app.verified_username(u, p) AS username INTO found
    FROM app.user_private u JOIN app.profiles p ON p.user_id = u.user_id JOIN app.accounts c ON c.user_id = u.user_id
   WHERE u.user_id = p_user_id AND u.email_key = p_email_key AND u.pending_until IS NULL AND c.disabled_at IS NULL
     FOR KEY SHARE OF c; -- a deletion of the account waits, and then deletes the code too
  IF found.email IS NULL THEN
    RETURN;
  END IF;
  PERFORM app.put_code(p_code_id, 'RESET_PASSWORD', found.email, p_email_key, p_user_id, p_valid_seconds);
  PERFORM app.record_operator_event(p_user_id, 'PASSWORD_RESET_STARTED', p_operator_id);
  RETURN QUERY SELECT found.email, found.username;
END
$$;
