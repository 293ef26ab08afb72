-- Executed by: nobody
-- The User-Agent of the request that this transaction serves; NULL if there is none.
CREATE OR REPLACE FUNCTION app.client_device() RETURNS text
  LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT NULLIF(current_setting('app.client_device', true), '') $$;
