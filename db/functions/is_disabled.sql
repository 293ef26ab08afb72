-- Executed by: nobody
-- Whether an account is disabled. A function that says how the viewer is related to a row returns NULL if its owner is.
CREATE OR REPLACE FUNCTION app.is_disabled(p_user_id uuid) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$ SELECT EXISTS (SELECT FROM app.accounts c WHERE c.user_id = p_user_id AND c.disabled_at IS NOT NULL) $$;
