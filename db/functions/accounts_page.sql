-- Executed by: freehold_owner
-- The newest p_limit accounts, or with p_oldest the oldest, between two places of the list of accounts. The last four parameters
-- select accounts, unless they are NULL. The statement is composed, so that PostgreSQL uses the index of what is asked for.
CREATE OR REPLACE FUNCTION app.accounts_page(p_before_at timestamptz, p_before uuid, p_after_at timestamptz, p_after uuid, p_limit integer, p_oldest boolean,
                                             p_id uuid, p_email_key text, p_username_key text, p_state text)
  RETURNS TABLE (id uuid, created_at timestamptz, email text, username text, email_verified_at timestamptz, disabled_at timestamptz, state text,
                 last_used_at timestamptz, scopes text)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  condition text := CASE WHEN p_id IS NOT NULL THEN ' AND x.id = $6' ELSE '' END
    || CASE WHEN p_email_key IS NOT NULL THEN ' AND u.email_key = $7' ELSE '' END
    || CASE WHEN p_username_key IS NOT NULL THEN ' AND p.username_key = $8' ELSE '' END
    || CASE p_state WHEN 'DISABLED' THEN ' AND c.disabled_at IS NOT NULL'
                    WHEN 'PENDING' THEN ' AND c.disabled_at IS NULL AND u.pending_until IS NOT NULL'
                    WHEN 'ACTIVE' THEN ' AND c.disabled_at IS NULL AND u.pending_until IS NULL'
                    ELSE '' END;
BEGIN
  RETURN QUERY EXECUTE format($sql$
    SELECT x.id, x.created_at, COALESCE(u.email, ''), p.username, u.email_verified_at, c.disabled_at, app.account_state(c.disabled_at, u.pending_until),
           (SELECT max(s.last_used_at) FROM app.sessions s WHERE s.user_id = x.id),
           (SELECT COALESCE(string_agg(g.scope, ' ' ORDER BY g.scope), '') FROM app.scope_grants g WHERE g.user_id = x.id)
      FROM app.users x
      JOIN app.user_private u ON u.user_id = x.id
      JOIN app.accounts c ON c.user_id = x.id
      JOIN app.profiles p ON p.user_id = x.id
     WHERE (x.created_at, x.id) < ($1, $2) AND (x.created_at, x.id) > ($3, $4) %s
     ORDER BY x.created_at %2$s, x.id %2$s
     LIMIT $5
  $sql$, condition, CASE WHEN p_oldest THEN 'ASC' ELSE 'DESC' END)
  USING p_before_at, p_before, p_after_at, p_after, p_limit, p_id, p_email_key, p_username_key;
END
$$;
