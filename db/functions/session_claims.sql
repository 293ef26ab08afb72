-- Executed by: freehold_app
-- What the next access token of a session says: the scopes, how the owner has signed in (RFC 8176), whether that was with two factors, and
-- when they last did, as Unix time.
CREATE OR REPLACE FUNCTION app.session_claims(p_session_id uuid, p_strong text)
  RETURNS TABLE (scopes text, methods text, strong boolean, authenticated_at bigint)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT app.permitted_scopes(s.id, p_strong), array_to_string(s.amr, ' '), s.second_factor_at IS NOT NULL,
         floor(extract(epoch FROM s.authenticated_at))::bigint
    FROM app.sessions s WHERE s.id = p_session_id
$$;
