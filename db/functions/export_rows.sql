-- Executed by: freehold_owner
-- The rows that belong to a user, as JSON, each with the name of its table; see app.export_tables. Raises FH012 if they have more than
-- p_max_bytes, which may be NULL, before it reads more.
CREATE OR REPLACE FUNCTION app.export_rows(p_user_id uuid, p_max_bytes bigint) RETURNS TABLE (label text, data text)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  t record;
  bytes bigint := 0;
BEGIN
  FOR t IN SELECT x.table_name, x.label, x.condition, x.columns FROM app.export_tables() x LOOP
    label := t.label;
    FOR data IN EXECUTE format('SELECT row_to_json(x)::text FROM (SELECT %s FROM app.%I r WHERE %s) x', t.columns, t.table_name, t.condition) USING p_user_id LOOP
      bytes := bytes + octet_length(data) + 1;
      IF bytes > p_max_bytes THEN
        RAISE EXCEPTION 'the export has more than % bytes', p_max_bytes USING ERRCODE = 'FH012';
      END IF;
      RETURN NEXT;
    END LOOP;
  END LOOP;
END
$$;
