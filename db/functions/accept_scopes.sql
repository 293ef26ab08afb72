-- Executed by: freehold_app
-- Gives the viewer of this transaction those of the claimed scopes that their session may have still, and returns them.
CREATE OR REPLACE FUNCTION app.accept_scopes(p_claimed text, p_strong text) RETURNS text
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT set_config('app.scopes', COALESCE((
    SELECT string_agg(p, ' ') FROM unnest(string_to_array(app.permitted_scopes(app.session_id(), p_strong), ' ')) p
     WHERE p = ANY (string_to_array(p_claimed, ' '))), ''), true)
$$;
