-- Executed by: freehold_owner
-- The address of an account, which is empty if it has none, and its state.
CREATE OR REPLACE FUNCTION app.find_recipient(p_user_id uuid) RETURNS TABLE (email text, state text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT COALESCE(u.email, ''), app.account_state(c.disabled_at, u.pending_until)
    FROM app.user_private u JOIN app.accounts c ON c.user_id = u.user_id
   WHERE u.user_id = p_user_id
$$;
