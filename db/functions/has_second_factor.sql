-- Executed by: nobody
-- Whether an account has a second factor: an authenticator app.
CREATE OR REPLACE FUNCTION app.has_second_factor(p_user_id uuid) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$ SELECT EXISTS (SELECT FROM app.credentials k WHERE k.user_id = p_user_id AND k.kind = 'TOTP') $$;
