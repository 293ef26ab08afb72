-- Executed by: freehold_owner
-- Lets freehold_definer hide the rows of disabled accounts. `freehold migrate` calls it after each set of migrations.
CREATE OR REPLACE FUNCTION app.prepare_disabling() RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  t record;
BEGIN
  FOR t IN SELECT x.table_name, x.owner, x.key FROM app.visible_tables() x LOOP
    IF t.owner IS NULL THEN
      RAISE EXCEPTION 'app.% has rows with a visibility, but no column for their owner', t.table_name
        USING HINT = 'Leave the visibility to the row that has an owner, or name the owner in a column, so that the rows of a disabled account can be hidden.';
    ELSIF t.key = '{}' THEN
      RAISE EXCEPTION 'app.% has rows with a visibility, but no primary key', t.table_name
        USING HINT = 'Write id uuid PRIMARY KEY in CREATE TABLE, so that the rows of a disabled account can be hidden and shown again.';
    END IF;
    EXECUTE format('GRANT SELECT (visibility, %I, %s), UPDATE (visibility) ON app.%I TO freehold_definer',
                   t.owner, (SELECT string_agg(quote_ident(k), ', ') FROM unnest(t.key) k), t.table_name);
  END LOOP;
END
$$;
