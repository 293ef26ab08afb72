-- Executed by: freehold_app
-- The scopes of the owner of a session, for its next access token.
CREATE OR REPLACE FUNCTION app.session_scopes(p_session_id uuid) RETURNS text
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT COALESCE(string_agg(g.scope, ' ' ORDER BY g.scope), '')
    FROM app.sessions s JOIN app.scope_grants g ON g.user_id = s.user_id
   WHERE s.id = p_session_id
$$;
