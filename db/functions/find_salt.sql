-- Executed by: freehold_app
-- The salt of the password of an account, for a sign-in. No row for an unknown address, or for a disabled or pending
-- account.
CREATE OR REPLACE FUNCTION app.find_salt(p_email_key text) RETURNS TABLE (salt text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT app.salt_of(c.password_hash)
    FROM app.user_private u JOIN app.accounts c ON c.user_id = u.user_id
   WHERE u.email_key = p_email_key AND u.pending_until IS NULL AND c.disabled_at IS NULL
$$;
