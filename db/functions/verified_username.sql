-- Executed by: nobody
-- The name of an account in a mail to its address. It is empty while nobody has proved the address: otherwise a stranger could
-- choose what the mail says.
CREATE OR REPLACE FUNCTION app.verified_username(p_private app.user_private, p_profile app.profiles) RETURNS text
  LANGUAGE sql IMMUTABLE
  AS $$ SELECT CASE WHEN p_private.email_verified_at IS NULL THEN '' ELSE p_profile.username END $$;
