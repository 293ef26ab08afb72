-- Executed by: nobody
-- The session of the viewer of this transaction; NULL if there is none.
CREATE OR REPLACE FUNCTION app.session_id() RETURNS uuid
  LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT NULLIF(current_setting('app.session_id', true), '')::uuid $$;
