-- Executed by: nobody
-- Gives the rows of an account the visibility that they had before app.hide_rows.
CREATE OR REPLACE FUNCTION app.show_rows(p_user_id uuid) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  t record;
BEGIN
  FOR t IN SELECT x.table_name, x.owner, x.key FROM app.visible_tables() x LOOP
    EXECUTE format('UPDATE app.%I r SET visibility = h.visibility FROM app.hidden_rows h '
                   'WHERE h.user_id = $1 AND h.table_name = %L AND r.%I = $1 AND h.row_key = jsonb_build_array(%s)',
                   t.table_name, t.table_name, t.owner, (SELECT string_agg(format('r.%I', k), ', ') FROM unnest(t.key) k)) USING p_user_id;
  END LOOP;
  DELETE FROM app.hidden_rows h WHERE h.user_id = p_user_id;
END
$$;
