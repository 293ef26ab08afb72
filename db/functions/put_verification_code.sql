-- Executed by: freehold_owner
-- Creates a code that proves the address of an account, for the command line. The account may be pending. Returns the recipient; no row if
-- the account is disabled, no longer has the address, has verified it, or waits for an address that another account has.
CREATE OR REPLACE FUNCTION app.put_verification_code(p_user_id uuid, p_email_key text, p_code_id uuid, p_valid_seconds double precision) RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  address text;
BEGIN
  SELECT u.email INTO address
    FROM app.user_private u JOIN app.accounts c ON c.user_id = u.user_id
   WHERE u.user_id = p_user_id AND u.email_key = p_email_key AND u.email_verified_at IS NULL AND c.disabled_at IS NULL
     AND (u.pending_until IS NULL OR u.pending_until > now()
          AND NOT EXISTS (SELECT FROM app.user_private x WHERE x.email_key = p_email_key AND x.pending_until IS NULL))
     FOR KEY SHARE OF c; -- as in request_code
  IF address IS NULL THEN
    RETURN NULL;
  END IF;
  PERFORM app.put_code(p_code_id, 'VERIFY_EMAIL', address, p_email_key, p_user_id, p_valid_seconds);
  PERFORM app.record_operator_event(p_user_id, 'VERIFICATION_SENT', NULL);
  RETURN address;
END
$$;
