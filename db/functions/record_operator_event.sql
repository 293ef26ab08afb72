-- Executed by: freehold_owner
-- Records a security event that an operator has caused, or the command line if p_operator_id is NULL. The owner of the account
-- reads the event, so it has the operator's username, but not the operator's address or device.
CREATE OR REPLACE FUNCTION app.record_operator_event(p_user_id uuid, p_kind text, p_operator_id uuid) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  INSERT INTO app.security_events (user_id, kind, operator, operator_id)
  VALUES (p_user_id, p_kind, CASE WHEN p_operator_id IS NULL THEN 'the command line'
                                  ELSE (SELECT p.username FROM app.profiles p WHERE p.user_id = p_operator_id) END, p_operator_id)
$$;
