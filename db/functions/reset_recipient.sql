-- Executed by: freehold_app
-- The address of an account and its state, for an operator with the scope passwords:reset, who does not see them. The app needs
-- the address to create a code for it.
CREATE OR REPLACE FUNCTION app.reset_recipient(p_user_id uuid) RETURNS TABLE (email text, state text)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  PERFORM app.require_scope('passwords:reset');
  RETURN QUERY SELECT r.email, r.state FROM app.find_recipient(p_user_id) r;
END
$$;
