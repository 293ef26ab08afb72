-- Executed by: nobody
-- The username of an account for a mail to its address. It is empty until the address is verified: otherwise a stranger
-- could choose text in the mail.
CREATE OR REPLACE FUNCTION app.verified_username(p_private app.user_private, p_profile app.profiles) RETURNS text
  LANGUAGE sql IMMUTABLE
  AS $$ SELECT CASE WHEN p_private.email_verified_at IS NULL THEN '' ELSE p_profile.username END $$;
