-- Executed by: freehold_app
-- Disables an account, for an operator with the scope accounts:disable; see app.set_disabled.
CREATE OR REPLACE FUNCTION app.disable_account(p_user_id uuid) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  PERFORM app.require_scope('accounts:disable');
  RETURN app.set_disabled(p_user_id, true, app.viewer_id());
END
$$;
