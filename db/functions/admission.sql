-- Executed by: freehold_owner
-- Created: before the tables
-- The expression of a row policy that admits the owner of a row, viewers whose relation to it is weakest or stronger, and viewers
-- with one of the scopes. The owner comes first, so that their own rows cost no call. It is a CASE rather than an OR: PostgreSQL
-- expects it to admit half of the rows and stops at the end of a page, while it would read and sort all rows for a rare relation.
CREATE OR REPLACE FUNCTION app.admission(owner text, relation text, relations text[], weakest text, scopes text[]) RETURNS text
  LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
  AS $$
  WITH conditions AS (
    SELECT 0 AS place, quote_ident(owner) || ' = app.viewer_id()' AS condition
     UNION ALL
    SELECT n, format('app.has_scope(%L)', s) FROM unnest(scopes) WITH ORDINALITY u (s, n)
     UNION ALL
    SELECT 1000, format('%s = ANY (%L)', relation, '{OWNER}'::text[] || relations[:COALESCE(array_position(relations, weakest), 0)])
     WHERE owner IS NULL OR weakest IS NOT NULL
  )
  SELECT CASE WHEN max(place) = 0 THEN max(condition)
              ELSE 'CASE' || string_agg(format(' WHEN %s THEN true', condition), '' ORDER BY place) || ' ELSE false END' END
    FROM conditions WHERE condition IS NOT NULL
$$;
