-- Executed by: nobody
-- Whether an account is disabled. Only the service that has the accounts knows: here, none is. Functions that say how the viewer is
-- related to a row call it in both kinds of database.
CREATE OR REPLACE FUNCTION app.is_disabled(p_user_id uuid) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$ SELECT false $$;
