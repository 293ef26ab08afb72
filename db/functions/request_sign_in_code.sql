-- Executed by: freehold_app
-- Creates a code for an address that signs in, or signs up if no account has the address by then; p_data has the form of such a
-- sign-up, or is NULL. It writes the same for every address. Returns the recipient, as the account spells the address, and whether
-- the mail may be sent: not for a disabled account, and not if its owner has turned off signing in by mail. A sign-up that waits for
-- its verification is no account.
CREATE OR REPLACE FUNCTION app.request_sign_in_code(p_id uuid, p_email text, p_email_key text, p_data jsonb, p_valid_seconds double precision)
  RETURNS TABLE (email text, is_known boolean)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  found record;
BEGIN
  SELECT u.user_id, u.email, c.disabled_at IS NULL AND (u.email_verified_at IS NULL OR k.id IS NOT NULL) AS usable INTO found
    FROM app.user_private u JOIN app.accounts c ON c.user_id = u.user_id LEFT JOIN app.credentials k ON k.user_id = u.user_id AND k.kind = 'EMAIL_CODE'
   WHERE u.email_key = p_email_key AND u.pending_until IS NULL
     FOR KEY SHARE OF c; -- as in request_code
  PERFORM app.put_code(p_id, 'SIGN_IN', COALESCE(found.email, p_email), p_email_key, found.user_id, p_valid_seconds);
  UPDATE app.codes k SET data = p_data WHERE k.id = p_id;
  RETURN QUERY SELECT COALESCE(found.email, p_email), COALESCE(found.usable, true);
END
$$;
