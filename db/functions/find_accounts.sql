-- Executed by: freehold_app
-- Accounts, for an operator with the scope accounts:read; see app.accounts_page. No row for another viewer.
CREATE OR REPLACE FUNCTION app.find_accounts(p_before_at timestamptz, p_before uuid, p_after_at timestamptz, p_after uuid, p_limit integer, p_oldest boolean,
                                             p_id uuid, p_email_key text, p_username_key text, p_state text)
  RETURNS TABLE (id uuid, created_at timestamptz, email text, username text, email_verified_at timestamptz, disabled_at timestamptz, state text,
                 last_used_at timestamptz, scopes text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT a.id, a.created_at, a.email, a.username, a.email_verified_at, a.disabled_at, a.state, a.last_used_at, a.scopes
    FROM app.accounts_page(p_before_at, p_before, p_after_at, p_after, p_limit, p_oldest, p_id, p_email_key, p_username_key, p_state) a
   WHERE app.has_scope('accounts:read')
$$;
