-- Executed by: freehold_owner
-- Created: before the tables
-- The expression of a row policy that admits the owner of a row, viewers whose relation to it is weakest or stronger, and viewers
-- with one of the scopes. The owner comes first, so that their own rows cost no call. It is a CASE rather than an OR, for which
-- PostgreSQL would call all functions for each row.
CREATE OR REPLACE FUNCTION app.admission(owner text, relation text, relations text[], weakest text, scopes text[]) RETURNS text
  LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
  AS $$
  WITH parts AS (
    SELECT quote_ident(owner) || ' = app.viewer_id()' AS owned,
           CASE WHEN owner IS NULL OR weakest IS NOT NULL
                THEN format('%s = ANY (%L)', relation, '{OWNER}'::text[] || relations[:COALESCE(array_position(relations, weakest), 0)]) END AS related
  )
  SELECT CASE WHEN scopes = '{}' AND related IS NULL THEN owned
              WHEN scopes = '{}' AND owned IS NULL THEN related
              ELSE 'CASE' || COALESCE(format(' WHEN %s THEN true', owned), '')
                          || COALESCE((SELECT string_agg(format(' WHEN app.has_scope(%L) THEN true', s), '' ORDER BY n) FROM unnest(scopes) WITH ORDINALITY u (s, n)), '')
                          || ' ELSE ' || COALESCE(related, 'false') || ' END' END
    FROM parts
$$;
