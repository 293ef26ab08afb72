-- Executed by: freehold_owner
-- The query whose rows an export of the user $1 contains, with the name of the table of each; see app.export_tables.
CREATE OR REPLACE FUNCTION app.export_statement() RETURNS text
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  -- No column has the alias exported_row, because names of columns in an export have no underscore.
  SELECT string_agg(format('SELECT %L, row_to_json(exported_row)::text FROM (SELECT %s FROM app.%I r WHERE %s) exported_row', x.label, x.columns, x.table_name, x.condition),
                    E'\n    UNION ALL ' ORDER BY x.table_name)
    FROM app.export_tables() x
$$;
