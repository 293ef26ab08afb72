-- Executed by: freehold_owner
-- Created: before the tables
-- Raises an error if app.protect with these arguments would admit viewers by a relation that nothing answers, that depends on who
-- asks, or that lets them write rows which another user owns. The hint of the error says what to write in the migration.
CREATE OR REPLACE FUNCTION app.check_relations(table_name text, sees text, inserts boolean, updates text[], deletes boolean, owner text,
                                               relation text, relations text[], inserts_as text, updates_as text, deletes_as text, owner_updates text[])
  RETURNS void
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  t oid := to_regclass('app.' || quote_ident(table_name));
  call text[] := regexp_match(relation, '^(app\.[a-z_][a-z0-9_]*)\(([a-z_][a-z0-9_]*)\)$'); -- the function and the column
  seen text := CASE sees WHEN 'relation' THEN relations[cardinality(relations)] WHEN 'visibility' THEN relations[cardinality(relations)] WHEN 'owner' THEN NULL ELSE sees END;
  c record; -- the column
  f record; -- the function
  o smallint := (SELECT a.attnum FROM pg_attribute a WHERE a.attrelid = t AND a.attname = owner);
  own boolean; -- whether the relation is that to the row itself
  wrong text;
BEGIN
  SELECT r INTO wrong FROM unnest(relations) r WHERE r = 'OWNER' OR r !~ '^[A-Z][A-Z0-9_]*$' OR r IS NULL OR cardinality(array_positions(relations, r)) > 1;
  IF relations IS NULL OR owner_updates IS NULL OR FOUND THEN
    RAISE EXCEPTION 'app.protect: % has an invalid list of relations or of owner_updates', table_name
      USING HINT = 'Write relations => ''{EDITOR,MEMBER}'', the strongest first, without OWNER, and owner_updates => ''{visibility}'', or leave them out.';
  ELSIF sees = 'nobody' AND (relation IS NOT NULL OR relations <> '{}' OR owner_updates <> '{}') THEN
    RAISE EXCEPTION 'app.protect: no viewer sees %, so it cannot have relations', table_name
      USING HINT = 'Write sees => ''relation'', or leave out relation, relations and owner_updates.';
  ELSIF relation IS NULL AND (sees = 'relation' OR relations <> '{}' OR num_nonnulls(inserts_as, updates_as, deletes_as) > 0 OR owner_updates <> '{}') THEN
    RAISE EXCEPTION 'app.protect: % has relations, but no function that answers which one a viewer has', table_name
      USING HINT = format('Write relation => ''app.%s_relation(id)'', or leave out relations, inserts_as, updates_as, deletes_as and owner_updates.', regexp_replace(table_name, 's$', ''));
  ELSIF relation IS NULL THEN
    RETURN;
  ELSIF relations = '{}' AND owner IS NOT NULL THEN
    RAISE EXCEPTION 'app.protect: % has a relation, but relations does not say which ones there are', table_name
      USING HINT = 'Write relations => ''{EDITOR,MEMBER}'', the strongest first, without OWNER.';
  END IF;

  SELECT x INTO wrong FROM unnest(ARRAY[inserts_as, updates_as, deletes_as]) x WHERE x IS NOT NULL AND x <> ALL (relations);
  IF FOUND THEN
    RAISE EXCEPTION 'app.protect: % is not one of the relations of %', wrong, table_name
      USING HINT = format('Write one of %s for inserts_as, updates_as and deletes_as, or leave them out, so that only the owner may.', COALESCE(NULLIF(array_to_string(relations, ', '), ''), 'relations => ''{…}'''));
  ELSIF inserts_as IS NOT NULL AND NOT inserts OR updates_as IS NOT NULL AND updates = '{}' OR deletes_as IS NOT NULL AND NOT deletes THEN
    RAISE EXCEPTION 'app.protect: % has inserts_as, updates_as or deletes_as for a command that no viewer may use', table_name
      USING HINT = 'Write inserts => true with inserts_as, updates => ''{title,…}'' with updates_as, and deletes => true with deletes_as.';
  END IF;
  SELECT x INTO wrong FROM unnest(ARRAY[inserts_as, updates_as, deletes_as]) x WHERE array_position(relations, x) > COALESCE(array_position(relations, seen), 0);
  IF FOUND THEN
    RAISE EXCEPTION 'app.protect: % may write rows of % that it does not see', wrong, table_name
      USING HINT = format('Write sees => ''%s'' or sees => ''relation''. PostgreSQL changes only rows that the viewer sees.', wrong);
  ELSIF owner_updates <> '{}' AND (updates_as IS NULL OR NOT owner_updates <@ updates) THEN
    RAISE EXCEPTION 'app.protect: owner_updates of % limits nothing, or has columns that are not in updates', table_name
      USING HINT = 'Write updates => ''{title,visibility}'', updates_as => ''EDITOR'', owner_updates => ''{visibility}''.';
  END IF;

  SELECT a.attnum, a.attname, a.attnotnull, format_type(a.atttypid, NULL) AS type INTO c
    FROM pg_attribute a WHERE a.attrelid = t AND a.attname = call[2] AND a.attnum > 0 AND NOT a.attisdropped;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'app.protect: the relation of % is not a call of one function of schema app with one column of the table: %', table_name, relation
      USING HINT = 'Write relation => ''app.notebook_relation(id)'', or name the column that refers to the shared row: ''app.notebook_relation(notebook_id)''.';
  END IF;
  SELECT p.oid, p.provolatile = 's' AND p.prosecdef AND p.prorettype = 'text'::regtype AND NOT p.proretset AND p.proowner = to_regrole('freehold_definer')
         AND EXISTS (SELECT FROM unnest(p.proconfig) s WHERE s LIKE 'search\_path=%') AS safe, has_function_privilege('freehold_app', p.oid, 'EXECUTE') AS granted
    INTO f FROM pg_proc p WHERE p.oid = to_regprocedure(format('%s(%s)', call[1], c.type));
  IF NOT FOUND THEN
    RAISE EXCEPTION 'app.protect: there is no function %(%)', call[1], c.type
      USING HINT = format('Create it in functions/%s.sql, whose second line is: -- Created: before the tables', substr(call[1], 5));
  ELSIF NOT f.safe OR NOT f.granted THEN
    RAISE EXCEPTION 'app.protect: %(%) cannot answer which relation a viewer has', call[1], c.type
      USING HINT = format('Create it in functions/%s.sql, whose first line is -- Executed by: freehold_app, as RETURNS text, STABLE, SECURITY DEFINER '
                          'SET search_path = pg_catalog, pg_temp, so that freehold_definer owns it and reads the memberships.', substr(call[1], 5));
  END IF;

  own := EXISTS (SELECT FROM pg_index i WHERE i.indrelid = t AND i.indisprimary AND i.indkey::text = c.attnum::text);
  IF own AND (inserts_as IS NOT NULL OR owner IS NULL) THEN
    RAISE EXCEPTION 'app.protect: nobody has a relation to a new row of %', table_name
      USING HINT = 'Leave out inserts_as, or name the column that refers to the shared row: relation => ''app.notebook_relation(notebook_id)''.';
  ELSIF own THEN
    RETURN;
  ELSIF NOT c.attnotnull THEN
    RAISE EXCEPTION 'app.protect: %.% may be NULL, so nobody would have a relation to the row', table_name, c.attname
      USING HINT = format('Write %I %s NOT NULL in CREATE TABLE.', c.attname, c.type);
  ELSIF NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = t AND k.contype = 'f' AND k.confdeltype = 'c' AND c.attnum = ANY (k.conkey)
                       AND (o IS NULL OR o = ANY (k.conkey) OR NOT (inserts OR c.attname = ANY (updates)))) THEN
    RAISE EXCEPTION 'app.protect: no foreign key of % with % and ON DELETE CASCADE keeps its rows with those of their owner', table_name, concat_ws(', ', c.attname, owner)
      USING HINT = CASE WHEN owner IS NULL THEN format('Write %I %s NOT NULL REFERENCES app.notes ON DELETE CASCADE in CREATE TABLE.', c.attname, c.type)
                        ELSE format('Write FOREIGN KEY (%I, %I) REFERENCES app.notebooks (id, user_id) ON UPDATE CASCADE ON DELETE CASCADE in CREATE TABLE. '
                                    'Foreign keys ignore row security: without %2$I, a row could belong to another user''s row.', c.attname, owner) END;
  ELSIF NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = t AND i.indkey[0] = c.attnum AND i.indpred IS NULL AND i.indisvalid) THEN
    RAISE EXCEPTION 'app.protect: no index of % begins with %, so viewers would read all rows to find those of one row', table_name, c.attname
      USING HINT = format('Write CREATE INDEX %I ON app.%I (%I) before it; name further columns by which lists are sorted.', table_name || '_' || c.attname, table_name, c.attname);
  END IF;
END
$$;
