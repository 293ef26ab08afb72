-- Executed by: nobody
-- Hides the rows of an account from everyone else: makes them PRIVATE, and remembers what they were.
CREATE OR REPLACE FUNCTION app.hide_rows(p_user_id uuid) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  t record;
BEGIN
  FOR t IN SELECT x.table_name, x.owner, x.key FROM app.visible_tables() x LOOP
    EXECUTE format('INSERT INTO app.hidden_rows (user_id, table_name, row_key, visibility) '
                   'SELECT $1, %L, jsonb_build_array(%s), r.visibility FROM app.%I r WHERE r.%I = $1 AND r.visibility <> ''PRIVATE''',
                   t.table_name, (SELECT string_agg(format('r.%I', k), ', ') FROM unnest(t.key) k), t.table_name, t.owner) USING p_user_id;
    EXECUTE format('UPDATE app.%I r SET visibility = ''PRIVATE'' WHERE r.%I = $1 AND r.visibility <> ''PRIVATE''', t.table_name, t.owner) USING p_user_id;
  END LOOP;
END
$$;
