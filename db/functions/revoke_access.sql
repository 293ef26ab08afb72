-- Executed by: nobody
-- Revokes the sessions of an account, except one if given, and deletes its codes and flows.
CREATE OR REPLACE FUNCTION app.revoke_access(p_user_id uuid, p_except_session_id uuid) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  UPDATE app.sessions SET revoked_at = now() WHERE user_id = p_user_id AND id IS DISTINCT FROM p_except_session_id AND revoked_at IS NULL;
  DELETE FROM app.codes WHERE user_id = p_user_id;
  DELETE FROM app.continuations WHERE user_id = p_user_id;
$$;
