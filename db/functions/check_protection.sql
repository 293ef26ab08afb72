-- Executed by: freehold_owner
-- Created: before the tables
-- Raises an error if app.protect with these arguments would leave the rows of a table unprotected, or if viewers would read
-- other users' rows to find their own. The hint of the error says what to write in the migration.
CREATE OR REPLACE FUNCTION app.check_protection(table_name text, sees text, inserts boolean, updates text[], deletes boolean, owner text, reads text[],
                                                relation text, relations text[])
  RETURNS void
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  t oid := to_regclass('app.' || quote_ident(table_name));
  o record; -- the owner column
  wrong text;
BEGIN
  IF t IS NULL OR NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = t AND c.relkind IN ('r', 'p')) THEN
    RAISE EXCEPTION 'app.protect: there is no table % in schema app', COALESCE(table_name, 'NULL')
      USING HINT = 'Write CREATE TABLE app.notes (…) before SELECT app.protect(''notes''), which takes the name without the schema.';
  ELSIF sees IS NULL OR sees <> ALL ('{owner,visibility,relation,nobody}' || relations) THEN
    RAISE EXCEPTION 'app.protect: % has an invalid value for sees: %', table_name, COALESCE(sees, 'NULL')
      USING HINT = 'Write sees => ''owner'', sees => ''visibility'', sees => ''nobody'', sees => ''relation'', or one of the relations.';
  ELSIF inserts IS NULL OR updates IS NULL OR deletes IS NULL OR reads = '{}' THEN
    RAISE EXCEPTION 'app.protect: % has NULL for inserts, updates or deletes, or an empty list for reads', table_name
      USING HINT = 'Write inserts => true, updates => ''{title,…}'', deletes => true and reads => ''{id,…}'', or leave them out.';
  ELSIF sees = 'nobody' AND (inserts OR deletes OR updates <> '{}' OR reads IS NOT NULL) THEN
    RAISE EXCEPTION 'app.protect: no viewer sees %, so it cannot have inserts, updates, deletes or reads', table_name
      USING HINT = 'Write sees => ''owner'', or leave out inserts, updates, deletes and reads.';
  ELSIF sees = 'nobody' THEN
    RETURN;
  END IF;

  SELECT a.attnum, a.attnotnull INTO o FROM pg_attribute a WHERE a.attrelid = t AND a.attname = owner AND a.attnum > 0 AND NOT a.attisdropped;
  IF owner IS NULL THEN
    IF relation IS NULL THEN
      RAISE EXCEPTION 'app.protect: % has no column for the owner of a row, and no relation to a row that has one', table_name
        USING HINT = 'Name the column, such as owner => ''author_id'', or write relation => ''app.note_relation(note_id)''.';
    END IF;
  ELSIF NOT FOUND THEN
    RAISE EXCEPTION 'app.protect: % has no column % for the owner of a row', table_name, owner
      USING HINT = 'Write user_id uuid NOT NULL REFERENCES app.users ON DELETE CASCADE in CREATE TABLE, or name the column: owner => ''author_id''.';
  ELSIF NOT o.attnotnull AND (inserts OR deletes OR updates <> '{}') THEN -- functions may write rows without an owner, which no viewer sees
    RAISE EXCEPTION 'app.protect: %.% may be NULL, so a row could have no owner', table_name, owner
      USING HINT = format('Write %I uuid NOT NULL REFERENCES app.users ON DELETE CASCADE in CREATE TABLE.', owner);
  ELSIF NOT EXISTS (SELECT FROM pg_constraint k
                     WHERE k.conrelid = t AND k.contype = 'f' AND k.conkey = ARRAY[o.attnum]
                       AND k.confrelid = to_regclass('app.users') AND k.confdeltype = 'c') THEN
    RAISE EXCEPTION 'app.protect: %.% does not refer to app.users ON DELETE CASCADE, so rows would outlive their owner', table_name, owner
      USING HINT = format('Write %I uuid NOT NULL REFERENCES app.users ON DELETE CASCADE in CREATE TABLE.', owner);
  END IF;

  IF sees = 'visibility' AND NOT EXISTS (
    SELECT FROM pg_attribute a
      JOIN pg_constraint k ON k.conrelid = t AND k.contype = 'c' AND k.conkey = ARRAY[a.attnum]
     WHERE a.attrelid = t AND a.attname = 'visibility' AND a.attnotnull AND a.atttypid = 'text'::regtype
       AND pg_get_constraintdef(k.oid) LIKE 'CHECK ((visibility = ANY (ARRAY[%])))'
       AND (SELECT array_agg(DISTINCT v[1] ORDER BY v[1]) FROM regexp_matches(pg_get_constraintdef(k.oid), '''([^'']*)''', 'g') v) = '{MEMBERS,PRIVATE,PUBLIC}'
  ) THEN
    RAISE EXCEPTION 'app.protect: % has no column visibility that is PRIVATE, MEMBERS or PUBLIC', table_name
      USING HINT = 'Write visibility text NOT NULL CHECK (visibility IN (''PRIVATE'', ''MEMBERS'', ''PUBLIC'')) in CREATE TABLE.';
  END IF;

  SELECT c INTO wrong FROM unnest(updates || reads) c
   WHERE NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = t AND a.attname = c AND a.attnum > 0 AND NOT a.attisdropped);
  IF FOUND THEN
    RAISE EXCEPTION 'app.protect: % has no column %', table_name, wrong
      USING HINT = 'Name columns of the table in updates and reads.';
  END IF;
  SELECT a.attname INTO wrong FROM pg_attribute a LEFT JOIN pg_index i ON i.indrelid = t AND i.indisprimary
   WHERE a.attrelid = t AND a.attname = ANY (updates) AND (a.attnum = o.attnum OR a.attnum = ANY (i.indkey));
  IF FOUND THEN
    RAISE EXCEPTION 'app.protect: %.% identifies the row or its owner, so owners must not update it', table_name, wrong
      USING HINT = format('Leave %I out of updates.', wrong);
  END IF;

  IF owner IS NOT NULL AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = t AND i.indkey[0] = o.attnum AND i.indpred IS NULL AND i.indisvalid) THEN
    RAISE EXCEPTION 'app.protect: no index of % begins with %, so viewers would read all rows to find their own', table_name, owner
      USING HINT = format('Write CREATE INDEX %I ON app.%I (%I) before it; name further columns by which lists are sorted.', table_name || '_' || owner, table_name, owner);
  END IF;
END
$$;
