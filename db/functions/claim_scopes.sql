-- Executed by: freehold_app
-- Gives the viewer of this transaction those of the claimed scopes that are granted to their account still, and returns them.
CREATE OR REPLACE FUNCTION app.claim_scopes(p_claimed text) RETURNS text
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT set_config('app.scopes', COALESCE((
    SELECT string_agg(g.scope, ' ' ORDER BY g.scope) FROM app.scope_grants g
     WHERE g.user_id = app.viewer_id() AND g.scope = ANY (string_to_array(p_claimed, ' '))), ''), true)
$$;
