-- Executed by: freehold_owner
-- Created: before the tables
-- Protects a table of schema app: enables and forces row-level security, and replaces the policies of the three roles and the
-- grants of freehold_app. Call it in a migration, after CREATE TABLE and CREATE INDEX:
--   SELECT app.protect('notes', sees => 'visibility', inserts => true, updates => '{title,visibility}', deletes => true);
--
-- table_name  the name of the table, without the schema
-- sees        who sees a row: its owner ('owner'); its owner, members if its visibility is MEMBERS, and everyone if it is PUBLIC
--             ('visibility'); viewers with any relation to it ('relation'), or with one that is at least, for example, 'EDITOR';
--             or only the functions of freehold_definer ('nobody'). With 'visibility', viewers with a relation also see it.
-- inserts     whether viewers may insert rows of their own
-- updates     the columns that the owner of a row may update
-- deletes     whether the owner of a row may delete it
-- owner       the column with the id of the user who owns the row; NULL if the owner is the one of another row, such as the note
--             of a comment. The relation to that row, OWNER, then says who it is.
-- reads       the columns that viewers may read; NULL for all
--
-- Rows that are shared with other viewers have relations:
--
-- relation    the function that returns the viewer's relation, called with a column of the table: 'app.notebook_relation(id)'
-- relations   the relations besides OWNER, the strongest first: '{EDITOR,MEMBER}'
-- inserts_as  the weakest relation that may insert, update or delete rows, besides the owner; NULL for none
-- updates_as
-- deletes_as
-- owner_updates  those of the columns in updates that only the owner may change, although updates_as admits others
--
-- A viewer with any one of these scopes may do the same as the owner, for any row:
--
-- sees_scopes     '{notes:read}'
-- updates_scopes
-- deletes_scopes
--
-- app.check_protection, app.check_relations and app.check_scopes raise an error if the arguments would leave rows unprotected, or
-- make reads slow. Policies are bare expressions, never sub-selects; app.admission writes them.
CREATE OR REPLACE FUNCTION app.protect(table_name text, sees text DEFAULT 'owner', inserts boolean DEFAULT false,
                                       updates text[] DEFAULT '{}', deletes boolean DEFAULT false,
                                       owner text DEFAULT 'user_id', reads text[] DEFAULT NULL,
                                       relation text DEFAULT NULL, relations text[] DEFAULT '{}', inserts_as text DEFAULT NULL,
                                       updates_as text DEFAULT NULL, deletes_as text DEFAULT NULL, owner_updates text[] DEFAULT '{}',
                                       sees_scopes text[] DEFAULT '{}', updates_scopes text[] DEFAULT '{}', deletes_scopes text[] DEFAULT '{}')
  RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  target text := 'app.' || quote_ident(table_name);
  weakest text := CASE WHEN sees = ANY (relations) THEN sees WHEN sees IN ('relation', 'visibility') THEN relations[cardinality(relations)] END;
  seen text := app.admission(owner, relation, relations, weakest, sees_scopes);
  writable text; -- the expression for a command that writes
  columns text;
  stored name;
BEGIN
  PERFORM app.check_protection(table_name, sees, inserts, updates, deletes, owner, reads, relation, relations);
  PERFORM app.check_relations(table_name, sees, inserts, updates, deletes, owner, relation, relations, inserts_as, updates_as, deletes_as, owner_updates);
  PERFORM app.check_scopes(table_name, sees, updates, deletes, sees_scopes, updates_scopes, deletes_scopes);

  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', target);
  FOR stored IN
    SELECT p.polname FROM pg_policy p
     WHERE p.polrelid = target::regclass
       AND p.polname IN (SELECT table_name || suffix FROM unnest('{_owner,_definer,_select,_insert,_update,_delete}'::text[]) suffix)
  LOOP
    EXECUTE format('DROP POLICY %I ON %s', stored, target);
  END LOOP;
  EXECUTE format('DROP TRIGGER IF EXISTS %I ON %s', table_name || '_owner_updates', target);
  EXECUTE format('REVOKE ALL ON %s FROM freehold_app', target); -- also the grants on columns

  EXECUTE format('CREATE POLICY %I ON %s TO freehold_owner USING (true) WITH CHECK (true)', table_name || '_owner', target);
  EXECUTE format('CREATE POLICY %I ON %s TO freehold_definer USING (true) WITH CHECK (true)', table_name || '_definer', target);
  IF sees <> 'nobody' THEN
    IF sees = 'visibility' THEN -- a CASE rather than an OR, for which PostgreSQL would combine several indexes and sort the rows
      seen := format('CASE visibility WHEN ''PUBLIC'' THEN true WHEN ''MEMBERS'' THEN app.viewer_id() IS NOT NULL ELSE %s END', seen);
    END IF;
    SELECT '(' || string_agg(quote_ident(c), ', ') || ')' INTO columns FROM unnest(reads) c;
    EXECUTE format('GRANT SELECT %s ON %s TO freehold_app', columns, target);
    EXECUTE format('CREATE POLICY %I ON %s FOR SELECT TO freehold_app USING (%s)', table_name || '_select', target, seen);
  END IF;
  IF inserts THEN
    writable := app.admission(owner, relation, relations, inserts_as, '{}');
    EXECUTE format('GRANT INSERT ON %s TO freehold_app', target);
    EXECUTE format('CREATE POLICY %I ON %s FOR INSERT TO freehold_app WITH CHECK (%s)', table_name || '_insert', target, writable);
  END IF;
  IF updates <> '{}' THEN
    writable := app.admission(owner, relation, relations, updates_as, updates_scopes);
    SELECT '(' || string_agg(quote_ident(c), ', ') || ')' INTO columns FROM unnest(updates) c;
    EXECUTE format('GRANT UPDATE %s ON %s TO freehold_app', columns, target);
    EXECUTE format('CREATE POLICY %I ON %s FOR UPDATE TO freehold_app USING (%s) WITH CHECK (%s)', table_name || '_update', target, writable, writable);
  END IF;
  IF deletes THEN
    writable := app.admission(owner, relation, relations, deletes_as, deletes_scopes);
    EXECUTE format('GRANT DELETE ON %s TO freehold_app', target);
    EXECUTE format('CREATE POLICY %I ON %s FOR DELETE TO freehold_app USING (%s)', table_name || '_delete', target, writable);
  END IF;
  IF owner_updates <> '{}' THEN -- policies cannot tell columns apart; the two other roles are not limited
    SELECT string_agg(quote_ident(c), ', '), string_agg(format('OLD.%1$I IS DISTINCT FROM NEW.%1$I', c), ' OR ') INTO columns, writable FROM unnest(owner_updates) c;
    EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OF %s ON %s FOR EACH ROW WHEN ((%s) AND (%s) IS NOT TRUE'
                   ' AND row_security_active(%L::regclass) AND current_user NOT IN (''freehold_owner'', ''freehold_definer'')) EXECUTE FUNCTION app.refuse_update()',
                   table_name || '_owner_updates', columns, target, writable,
                   COALESCE('OLD.' || quote_ident(owner) || ' = app.viewer_id()', replace(relation, '(', '(OLD.') || ' = ''OWNER'''), target);
  END IF;
END
$$;
