-- Executed by: freehold_owner
-- Created: before the tables
-- The trigger of app.protect for owner_updates: refuses to change columns that only the owner of a row may change.
CREATE OR REPLACE FUNCTION app.refuse_update() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  RAISE EXCEPTION 'only the owner of a row of %.% may change these columns', TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'FH009';
END
$$;
