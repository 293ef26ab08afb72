-- Executed by: freehold_app
-- Whether the owner of an account has verified its address.
CREATE OR REPLACE FUNCTION app.is_email_verified(p_email_key text) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$ SELECT EXISTS (SELECT FROM app.user_private u WHERE u.email_key = p_email_key AND u.email_verified_at IS NOT NULL) $$;
