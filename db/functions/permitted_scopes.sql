-- Executed by: nobody
-- Those scopes of an account that a session of it may have, separated by a space. p_strong are the scopes that only a session with two
-- factors has: a list separated by spaces, or * for all.
CREATE OR REPLACE FUNCTION app.permitted_scopes(p_session_id uuid, p_strong text) RETURNS text
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT COALESCE(string_agg(g.scope, ' ' ORDER BY g.scope), '')
    FROM app.sessions s JOIN app.scope_grants g ON g.user_id = s.user_id
   WHERE s.id = p_session_id AND (s.second_factor_at IS NOT NULL OR NOT string_to_array(p_strong, ' ') && ARRAY['*', g.scope])
$$;
