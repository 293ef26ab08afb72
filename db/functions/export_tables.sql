-- Executed by: freehold_owner
-- The tables with rows that belong to a user: the name of each, the condition that finds the rows of the user $1, and the columns that
-- an export contains. A row belongs to the user whose id is in the column that its policies compare with the viewer, or else in user_id.
-- Rows without such a column, or whose policies admit by a relation, belong to the owner of the row with which they are deleted.
--
-- An export contains no bytea, which holds hashes, keys and sealed values, none of the columns listed here, and no column whose comment
-- begins with 'Not exported'. Of the tables of modules, it contains the columns that the app's role can read, and those whose comment begins
-- with 'Exported'.
CREATE OR REPLACE FUNCTION app.export_tables() RETURNS TABLE (table_name name, label text, condition text, columns text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  WITH RECURSIVE unexported (table_name, column_name) AS (VALUES
    ('accounts', 'password_hash'),
    ('codes', 'id'), -- an HMAC of the code
    ('codes', 'data'), -- the form of a sign-up, with the hash of its password
    ('outbox', 'id'), ('outbox', 'code_id'), -- a code is derived from the former; the latter is the id in codes
    ('outbox', 'attempts'), ('outbox', 'next_attempt_at'), ('outbox', 'sent_at'), ('outbox', 'parked_at'), ('outbox', 'last_error'), -- whether a mail is withheld
    ('scope_grants', 'granted_by'), ('security_events', 'operator_id') -- other people
  ),
  own (names) AS (VALUES ('{accounts,codes,continuations,credentials,held_usernames,hidden_rows,identities,outbox,passkeys,profile_private,profiles,recovery_codes,scope_grants,security_events,sessions,sign_up_keys,totp_secrets,user_private,users}'::name[])),
  tables AS (
    SELECT c.oid, c.relkind, c.relname FROM pg_class c
     WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = (SELECT n.oid FROM pg_namespace n WHERE n.nspname = 'app')
  ),
  columns AS (
    SELECT t.oid, t.relname, a.attname, a.attnum, a.atttypid FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
  ),
  parents AS ( -- foreign keys whose rows are deleted with those that they refer to
    SELECT k.conrelid, k.confrelid,
           (SELECT string_agg(format('r.%I', a.attname), ', ' ORDER BY x.n) FROM unnest(k.conkey) WITH ORDINALITY x (attnum, n) JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = x.attnum) AS here,
           (SELECT string_agg(format('r.%I', a.attname), ', ' ORDER BY x.n) FROM unnest(k.confkey) WITH ORDINALITY x (attnum, n) JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = x.attnum) AS there
      FROM pg_constraint k WHERE k.contype = 'f' AND k.confdeltype = 'c' AND k.confrelid <> k.conrelid
  ),
  compared AS ( -- with the viewer
    SELECT DISTINCT c.oid, c.attname
      FROM columns c
      JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'f' AND k.confrelid = to_regclass('app.users') AND k.conkey = ARRAY[c.attnum]
      JOIN pg_policy p ON p.polrelid = c.oid
      JOIN pg_depend d ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.refobjsubid = c.attnum
  ),
  owners AS (
    SELECT c.oid, c.attname FROM compared c
    UNION ALL
    SELECT c.oid, c.attname FROM columns c
     WHERE c.attname = 'user_id' AND c.atttypid = 'uuid'::regtype AND c.oid NOT IN (SELECT x.oid FROM compared x) OR c.relname = 'users' AND c.attname = 'id'
  ),
  found (oid, condition, path) AS (
    SELECT o.oid, format('r.%I = $1', o.attname), ARRAY[o.oid] FROM owners o
    UNION ALL
    SELECT t.oid, format('(%s) IN (SELECT %s FROM app.%I r WHERE %s)', k.here, k.there, p.relname, f.condition), f.path || t.oid
      FROM found f
      JOIN tables p ON p.oid = f.oid AND p.relname <> 'users'
      JOIN parents k ON k.confrelid = f.oid
      JOIN tables t ON t.oid = k.conrelid
     WHERE t.oid <> ALL (f.path) AND t.oid NOT IN (SELECT x.oid FROM compared x)
       AND (t.oid NOT IN (SELECT x.oid FROM owners x) OR EXISTS (SELECT FROM pg_policy s WHERE s.polrelid = t.oid AND s.polname = t.relname || '_select'))
  ),
  exported AS (
    SELECT c.oid, string_agg(format('r.%I AS %I', c.attname, lower(left(c.attname, 1)) || substr(replace(initcap(replace(c.attname, '_', ' ')), ' ', ''), 2)), ', ' ORDER BY c.attnum) AS columns
      FROM columns c
     WHERE c.atttypid <> 'bytea'::regtype AND (c.relname, c.attname) NOT IN (SELECT u.table_name, u.column_name FROM unexported u)
       AND COALESCE(col_description(c.oid, c.attnum), '') NOT LIKE 'Not exported%'
       AND (c.relname = ANY ((SELECT o.names FROM own o)::name[]) OR has_column_privilege('freehold_app', c.oid, c.attnum, 'SELECT') OR col_description(c.oid, c.attnum) LIKE 'Exported%')
     GROUP BY c.oid
  )
  SELECT t.relname, lower(left(t.relname, 1)) || substr(replace(initcap(replace(t.relname, '_', ' ')), ' ', ''), 2),
         CASE WHEN count(DISTINCT f.condition) = 1 OR t.relkind = 'p' THEN string_agg(DISTINCT f.condition, ' OR ')
              -- With OR, PostgreSQL would read the whole table.
              ELSE format('r.ctid = ANY (ARRAY(%s))', string_agg(DISTINCT format('SELECT r.ctid FROM app.%I r WHERE %s', t.relname, f.condition), ' UNION ')) END, e.columns
    FROM found f JOIN tables t ON t.oid = f.oid JOIN exported e ON e.oid = f.oid
   GROUP BY t.relname, t.relkind, e.columns
   ORDER BY t.relname
$$;
