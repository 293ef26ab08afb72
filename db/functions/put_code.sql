-- Executed by: nobody
-- Replaces the code of an address, a purpose and an account. The new code is valid for at least as long as the old one,
-- because a rate limit may prevent another request. Without p_user_id the code belongs to no account.
CREATE OR REPLACE FUNCTION app.put_code(p_id uuid, p_purpose text, p_email text, p_email_key text, p_user_id uuid, p_valid_seconds double precision)
  RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  INSERT INTO app.codes AS k (id, purpose, email, email_key, user_id, expires_at)
  VALUES (p_id, p_purpose, p_email, p_email_key, COALESCE(p_user_id, '00000000-0000-0000-0000-000000000000'),
          clock_timestamp() + make_interval(secs => p_valid_seconds))
  ON CONFLICT (email_key, purpose, user_id) DO UPDATE
     SET id = excluded.id, email = excluded.email, expires_at = GREATEST(k.expires_at, excluded.expires_at)
$$;
