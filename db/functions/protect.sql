-- Executed by: freehold_owner
-- Created: before the tables
-- Protects a table of schema app: enables and forces row-level security, and replaces the policies of the three roles and the
-- grants of freehold_app. Call it in a migration, after CREATE TABLE and CREATE INDEX:
--   SELECT app.protect('notes', sees => 'visibility', inserts => true, updates => '{title,visibility}', deletes => true);
--
-- table_name  the name of the table, without the schema
-- sees        who sees a row: its owner ('owner'); its owner, members if its visibility is MEMBERS, and everyone if it is PUBLIC
--             ('visibility'); or only the functions of freehold_definer ('nobody')
-- inserts     whether viewers may insert rows of their own
-- updates     the columns that the owner of a row may update
-- deletes     whether the owner of a row may delete it
-- owner       the column with the id of the user who owns the row
-- reads       the columns that viewers may read; NULL for all
--
-- app.check_protection raises an error if the arguments would leave rows unprotected, or make reads slow. Policies are bare
-- expressions, never sub-selects.
CREATE OR REPLACE FUNCTION app.protect(table_name text, sees text DEFAULT 'owner', inserts boolean DEFAULT false,
                                       updates text[] DEFAULT '{}', deletes boolean DEFAULT false,
                                       owner text DEFAULT 'user_id', reads text[] DEFAULT NULL)
  RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  target text := 'app.' || quote_ident(table_name);
  owned text := quote_ident(owner) || ' = app.viewer_id()';
  -- A CASE rather than an OR, for which PostgreSQL would combine several indexes and sort the rows.
  seen text := CASE sees WHEN 'visibility' THEN format(
    'CASE visibility WHEN ''PUBLIC'' THEN true WHEN ''MEMBERS'' THEN app.viewer_id() IS NOT NULL ELSE %s END', owned) ELSE owned END;
  columns text;
  policy name;
BEGIN
  PERFORM app.check_protection(table_name, sees, inserts, updates, deletes, owner, reads);

  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', target);
  FOR policy IN
    SELECT p.polname FROM pg_policy p
     WHERE p.polrelid = target::regclass
       AND p.polname IN (SELECT table_name || suffix FROM unnest('{_owner,_definer,_select,_insert,_update,_delete}'::text[]) suffix)
  LOOP
    EXECUTE format('DROP POLICY %I ON %s', policy, target);
  END LOOP;
  EXECUTE format('REVOKE ALL ON %s FROM freehold_app', target); -- also the grants on columns

  EXECUTE format('CREATE POLICY %I ON %s TO freehold_owner USING (true) WITH CHECK (true)', table_name || '_owner', target);
  EXECUTE format('CREATE POLICY %I ON %s TO freehold_definer USING (true) WITH CHECK (true)', table_name || '_definer', target);
  IF sees <> 'nobody' THEN
    SELECT '(' || string_agg(quote_ident(c), ', ') || ')' INTO columns FROM unnest(reads) c;
    EXECUTE format('GRANT SELECT %s ON %s TO freehold_app', columns, target);
    EXECUTE format('CREATE POLICY %I ON %s FOR SELECT TO freehold_app USING (%s)', table_name || '_select', target, seen);
  END IF;
  IF inserts THEN
    EXECUTE format('GRANT INSERT ON %s TO freehold_app', target);
    EXECUTE format('CREATE POLICY %I ON %s FOR INSERT TO freehold_app WITH CHECK (%s)', table_name || '_insert', target, owned);
  END IF;
  IF updates <> '{}' THEN
    SELECT '(' || string_agg(quote_ident(c), ', ') || ')' INTO columns FROM unnest(updates) c;
    EXECUTE format('GRANT UPDATE %s ON %s TO freehold_app', columns, target);
    EXECUTE format('CREATE POLICY %I ON %s FOR UPDATE TO freehold_app USING (%s) WITH CHECK (%s)', table_name || '_update', target, owned, owned);
  END IF;
  IF deletes THEN
    EXECUTE format('GRANT DELETE ON %s TO freehold_app', target);
    EXECUTE format('CREATE POLICY %I ON %s FOR DELETE TO freehold_app USING (%s)', table_name || '_delete', target, owned);
  END IF;
END
$$;
