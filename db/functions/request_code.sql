-- Executed by: freehold_app
-- Creates a code for an address. To verify the address, the code is for the account that has it and has not verified it, or
-- else for the newest pending sign-up. To reset the password, it is for the account that has the address. Returns the
-- recipient, as the account spells the address. Without such an account, the code belongs to no account, and neither does
-- the mail. A deletion of the account waits for the lock, and then deletes this code too.
CREATE OR REPLACE FUNCTION app.request_code(p_id uuid, p_purpose text, p_email text, p_email_key text, p_valid_seconds double precision)
  RETURNS TABLE (email text, username text, is_known boolean)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  found record;
BEGIN
  SELECT u.user_id, u.email, app.verified_username(u, p) AS username
    INTO found
    FROM app.user_private u
    JOIN app.profiles p ON p.user_id = u.user_id
    JOIN app.accounts c ON c.user_id = u.user_id
   WHERE u.email_key = p_email_key AND c.disabled_at IS NULL
     AND CASE p_purpose
         WHEN 'RESET_PASSWORD' THEN u.pending_until IS NULL
         WHEN 'VERIFY_EMAIL' THEN u.email_verified_at IS NULL
              AND (u.pending_until IS NULL
                   OR u.pending_until > now()
                      AND NOT EXISTS (SELECT FROM app.user_private x WHERE x.email_key = p_email_key AND x.pending_until IS NULL))
         END
   ORDER BY u.pending_until DESC
   LIMIT 1
     FOR KEY SHARE OF c;
  PERFORM app.put_code(p_id, p_purpose, COALESCE(found.email, p_email), p_email_key, found.user_id, p_valid_seconds);
  RETURN QUERY SELECT COALESCE(found.email, p_email), COALESCE(found.username, ''), found.user_id IS NOT NULL;
END
$$;
