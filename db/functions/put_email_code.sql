-- Executed by: nobody
-- Lets an account sign in with codes that are sent to its verified address, which also makes it permanent. It changes nothing if the
-- account can do so already.
CREATE OR REPLACE FUNCTION app.put_email_code(p_user_id uuid) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  INSERT INTO app.credentials (id, user_id, kind, name)
  SELECT gen_random_uuid(), u.user_id, 'EMAIL_CODE', 'Code by email' FROM app.user_private u WHERE u.user_id = p_user_id AND u.email_verified_at IS NOT NULL
  ON CONFLICT (user_id, kind) WHERE kind IN ('PASSWORD', 'EMAIL_CODE') DO NOTHING;
  UPDATE app.accounts c SET anonymous = false
   WHERE c.user_id = p_user_id AND c.anonymous AND EXISTS (SELECT FROM app.credentials k WHERE k.user_id = p_user_id AND k.kind = 'EMAIL_CODE')
$$;
