-- Executed by: freehold_app
-- Which of an e-mail and a username belong to an account. This is the only public fact about an account. A pending sign-up
-- does not take its address, and takes its username until it expires.
CREATE OR REPLACE FUNCTION app.find_taken(p_email_key text, p_username_key text) RETURNS TABLE (email boolean, username boolean)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT EXISTS (SELECT FROM app.user_private u WHERE u.email_key = p_email_key AND u.pending_until IS NULL),
         EXISTS (SELECT FROM app.profiles p JOIN app.user_private u ON u.user_id = p.user_id
                  WHERE p.username_key = p_username_key AND (u.pending_until IS NULL OR u.pending_until > now()))
         OR app.is_held(p_username_key)
$$;
