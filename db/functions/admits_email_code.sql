-- Executed by: nobody
-- Whether a code that was sent to the address of an account signs in to it. After the owner has verified the address, they can turn
-- that off.
CREATE OR REPLACE FUNCTION app.admits_email_code(p_private app.user_private) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT p_private.email_verified_at IS NULL
         OR EXISTS (SELECT FROM app.credentials k WHERE k.user_id = p_private.user_id AND k.kind = 'EMAIL_CODE')
$$;
