-- Executed by: freehold_owner
-- The tables in which a row's visibility decides who sees it: those whose policy for SELECT depends on the column visibility. For
-- each, the column of the owner that the policy compares, NULL for none, and the columns of the primary key.
CREATE OR REPLACE FUNCTION app.visible_tables() RETURNS TABLE (table_name name, owner name, key name[])
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  WITH compared AS (
    SELECT a.attrelid, a.attname, a.attnum
      FROM pg_policy p
      JOIN pg_depend d ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid = p.polrelid
      JOIN pg_class c ON c.oid = p.polrelid
      JOIN pg_attribute a ON a.attrelid = p.polrelid AND a.attnum = d.refobjsubid
     WHERE c.relnamespace = (SELECT n.oid FROM pg_namespace n WHERE n.nspname = 'app') AND p.polname = c.relname || '_select'
  )
  SELECT c.relname,
         (SELECT min(o.attname) FROM compared o JOIN pg_constraint f ON f.conrelid = o.attrelid AND f.conkey = ARRAY[o.attnum]
           WHERE o.attrelid = v.attrelid AND f.contype = 'f' AND f.confrelid = to_regclass('app.users')),
         ARRAY(SELECT a.attname FROM pg_index i, unnest(i.indkey) WITH ORDINALITY k (attnum, n) JOIN pg_attribute a ON a.attrelid = v.attrelid AND a.attnum = k.attnum
                WHERE i.indrelid = v.attrelid AND i.indisprimary
                ORDER BY k.n)
    FROM (SELECT DISTINCT x.attrelid FROM compared x WHERE x.attname = 'visibility') v
    JOIN pg_class c ON c.oid = v.attrelid
   ORDER BY c.relname
$$;
