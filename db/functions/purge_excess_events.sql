-- Executed by: freehold_app
-- Deletes the oldest events of each kind and account until no more than p_keep are left, including events without an
-- account. Returns the number of deleted events, at most p_limit.
CREATE OR REPLACE FUNCTION app.purge_excess_events(p_limit integer, p_keep integer) RETURNS bigint
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  WITH many AS MATERIALIZED (
    SELECT e.user_id, e.kind FROM app.security_events e GROUP BY e.user_id, e.kind HAVING count(*) > p_keep LIMIT 100
  ), past AS MATERIALIZED (
    SELECT x.id FROM many m CROSS JOIN LATERAL (
      SELECT e.id FROM app.security_events e
       WHERE e.user_id IS NOT DISTINCT FROM m.user_id AND e.kind = m.kind
       ORDER BY e.created_at DESC, e.id DESC
      OFFSET p_keep) x
     LIMIT p_limit
  ), deleted AS (
    DELETE FROM app.security_events e USING past WHERE e.id = past.id RETURNING 1
  )
  SELECT count(*) FROM deleted
$$;
