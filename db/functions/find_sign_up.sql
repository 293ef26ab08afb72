-- Executed by: freehold_app
-- The salt of the password of the account that a key has signed up. No row if there is none, or if the account is disabled
-- or has expired.
CREATE OR REPLACE FUNCTION app.find_sign_up(p_key_hash bytea) RETURNS TABLE (salt text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT app.salt_of(c.password_hash)
    FROM app.sign_up_keys k
    JOIN app.user_private u ON u.user_id = k.user_id
    JOIN app.accounts c ON c.user_id = k.user_id
   WHERE k.key_hash = p_key_hash AND c.disabled_at IS NULL AND (u.pending_until IS NULL OR u.pending_until > now())
$$;
