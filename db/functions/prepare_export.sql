-- Executed by: freehold_owner
-- Lets freehold_definer read what an export contains, and writes app.exported_rows, which app.export_rows calls. `freehold migrate` calls it
-- after each set of migrations.
CREATE OR REPLACE FUNCTION app.prepare_export() RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  t record;
BEGIN
  FOR t IN SELECT x.table_name FROM app.export_tables() x LOOP
    EXECUTE format('GRANT SELECT ON app.%I TO freehold_definer', t.table_name);
  END LOOP;
  -- A session keeps the plan of a function. To make the plan takes longer than to run it.
  EXECUTE format(
    'CREATE OR REPLACE FUNCTION app.exported_rows(p_user_id uuid, p_max_bytes bigint) RETURNS TABLE (label text, data text)
       LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS %L',
    format($body$
#variable_conflict use_column
DECLARE
  bytes bigint := 0;
BEGIN
  FOR label, data IN
    %s
  LOOP
    bytes := bytes + octet_length(data) + 1;
    IF bytes > p_max_bytes THEN
      RAISE EXCEPTION 'the export has more than %% bytes', p_max_bytes USING ERRCODE = 'FH012';
    END IF;
    RETURN NEXT;
  END LOOP;
END
$body$, app.export_statement()));
  COMMENT ON FUNCTION app.exported_rows IS 'What app.export_rows returns. Written by app.prepare_export.';
  REVOKE EXECUTE ON FUNCTION app.exported_rows FROM PUBLIC;
  GRANT EXECUTE ON FUNCTION app.exported_rows TO freehold_definer;
END
$$;
