-- Executed by: nobody
-- The IP address of the client that this transaction serves; NULL if it is unknown.
CREATE OR REPLACE FUNCTION app.client_ip() RETURNS inet
  LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT NULLIF(current_setting('app.client_ip', true), '')::inet $$;
