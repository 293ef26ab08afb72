-- Executed by: freehold_app
-- The salt of the password of the pending sign-up that a code belongs to. No row if the code has expired, or belongs to
-- another kind of account.
CREATE OR REPLACE FUNCTION app.find_pending_salt(p_code_id uuid) RETURNS TABLE (salt text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT app.salt_of(c.password_hash)
    FROM app.codes k
    JOIN app.user_private u ON u.user_id = k.user_id AND u.email_key = k.email_key
    JOIN app.accounts c ON c.user_id = k.user_id
   WHERE k.id = p_code_id AND k.purpose = 'VERIFY_EMAIL' AND k.expires_at > clock_timestamp() AND u.pending_until > now()
$$;
