-- Executed by: freehold_app
-- Revokes all sessions of an account, for an operator with the scope sessions:revoke; see app.end_sessions.
CREATE OR REPLACE FUNCTION app.revoke_account_sessions(p_user_id uuid) RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  PERFORM app.require_scope('sessions:revoke');
  RETURN app.end_sessions(p_user_id, app.viewer_id());
END
$$;
