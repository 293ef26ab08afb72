-- Executed by: freehold_owner
-- Lets freehold_definer read what an export contains. `freehold migrate` calls it after each set of migrations.
CREATE OR REPLACE FUNCTION app.prepare_export() RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  t record;
BEGIN
  FOR t IN SELECT x.table_name FROM app.export_tables() x LOOP
    EXECUTE format('GRANT SELECT ON app.%I TO freehold_definer', t.table_name);
  END LOOP;
END
$$;
