-- Executed by: freehold_owner
-- The tables in which a row's visibility decides who sees it: those whose policy for SELECT depends on the column visibility. For
-- each, the column of the owner, and the columns of the primary key.
CREATE OR REPLACE FUNCTION app.visible_tables() RETURNS TABLE (table_name name, owner name, key name[])
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT c.relname, o.attname,
         ARRAY(SELECT a.attname FROM pg_index i, unnest(i.indkey) WITH ORDINALITY k (attnum, n) JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
                WHERE i.indrelid = c.oid AND i.indisprimary
                ORDER BY k.n)
    FROM pg_class c
    JOIN pg_policy p ON p.polrelid = c.oid AND p.polname = c.relname || '_select'
    JOIN pg_attribute v ON v.attrelid = c.oid AND v.attname = 'visibility'
    JOIN pg_constraint f ON f.conrelid = c.oid AND f.contype = 'f' AND f.confrelid = to_regclass('app.users') AND cardinality(f.conkey) = 1
    JOIN pg_attribute o ON o.attrelid = c.oid AND o.attnum = f.conkey[1]
   WHERE c.relnamespace = (SELECT n.oid FROM pg_namespace n WHERE n.nspname = 'app')
     AND (SELECT count(DISTINCT d.refobjsubid) FROM pg_depend d
           WHERE d.classid = 'pg_policy'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
             AND d.refobjsubid IN (v.attnum, o.attnum)) = 2
   ORDER BY c.relname
$$;
