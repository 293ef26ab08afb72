-- Executed by: freehold_app
-- Whether there are fewer than p_max anonymous accounts. It reads at most p_max entries of an index.
CREATE OR REPLACE FUNCTION app.has_room_for_anonymous(p_max integer) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$ SELECT count(*) < p_max FROM (SELECT FROM app.accounts c WHERE c.anonymous LIMIT p_max) x $$;
