-- Executed by: freehold_owner
-- Revokes a scope of an account. False if the account does not have it. Raises FH005 if the account is the last operator.
CREATE OR REPLACE FUNCTION app.revoke_scope(p_user_id uuid, p_scope text) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  IF p_scope = 'accounts:disable' THEN
    PERFORM app.require_other_operator(p_user_id);
  END IF;
  DELETE FROM app.scope_grants g WHERE g.user_id = p_user_id AND g.scope = p_scope;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  PERFORM app.record_operator_event(p_user_id, 'SCOPE_REVOKED', NULL);
  RETURN true;
END
$$;
