-- Executed by: nobody
-- A PHC string without its key: the salt and parameters of a hash. Empty if there is no password.
CREATE OR REPLACE FUNCTION app.salt_of(p_password_hash text) RETURNS text
  LANGUAGE sql IMMUTABLE
  AS $$ SELECT COALESCE(substring(p_password_hash FROM '^.*\$'), '') $$;
