-- Executed by: freehold_owner
-- Disables or enables an account, for an operator, or for the command line if p_operator_id is NULL. Disabling ends its
-- sessions, and hides its rows. It waits for the transactions that write as its owner; later ones are refused. False for an
-- unknown account. Raises FH005 if it is the last operator.
CREATE OR REPLACE FUNCTION app.set_disabled(p_user_id uuid, p_disabled boolean, p_operator_id uuid) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  was boolean;
BEGIN
  PERFORM pg_advisory_xact_lock(app.account_lock(p_user_id));
  SELECT c.disabled_at IS NOT NULL INTO was FROM app.accounts c WHERE c.user_id = p_user_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN false;
  ELSIF was = p_disabled THEN
    RETURN true;
  END IF;
  IF p_disabled THEN
    PERFORM app.require_other_operator(p_user_id);
    UPDATE app.accounts c SET disabled_at = now() WHERE c.user_id = p_user_id;
    PERFORM app.revoke_access(p_user_id, NULL);
    PERFORM app.hide_rows(p_user_id);
    PERFORM app.record_operator_event(p_user_id, 'ACCOUNT_DISABLED', p_operator_id);
  ELSE
    UPDATE app.accounts c SET disabled_at = NULL WHERE c.user_id = p_user_id;
    PERFORM app.show_rows(p_user_id);
    PERFORM app.record_operator_event(p_user_id, 'ACCOUNT_ENABLED', p_operator_id);
  END IF;
  RETURN true;
END
$$;
