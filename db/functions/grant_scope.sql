-- Executed by: freehold_owner
-- Grants a scope to an account. False for an unknown or pending account. p_granted_by is who asks for it.
CREATE OR REPLACE FUNCTION app.grant_scope(p_user_id uuid, p_scope text, p_granted_by text) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  PERFORM FROM app.user_private u WHERE u.user_id = p_user_id AND u.pending_until IS NULL;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  INSERT INTO app.scope_grants (user_id, scope, granted_by) VALUES (p_user_id, p_scope, p_granted_by) ON CONFLICT DO NOTHING;
  IF FOUND THEN
    PERFORM app.record_operator_event(p_user_id, 'SCOPE_GRANTED', NULL);
  END IF;
  RETURN true;
END
$$;
