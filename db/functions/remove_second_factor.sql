-- Executed by: freehold_owner
-- Removes all authenticator apps and recovery codes of an account, for the command line. Returns whether it had any, and the recipient of a
-- notice; no row for an unknown account.
CREATE OR REPLACE FUNCTION app.remove_second_factor(p_user_id uuid) RETURNS TABLE (removed boolean, email text, username text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  had boolean;
BEGIN
  PERFORM FROM app.accounts c WHERE c.user_id = p_user_id FOR NO KEY UPDATE;
  DELETE FROM app.credentials k WHERE k.user_id = p_user_id AND k.kind = 'TOTP';
  had := FOUND;
  IF had THEN
    DELETE FROM app.recovery_codes r WHERE r.user_id = p_user_id;
    PERFORM app.record_operator_event(p_user_id, 'SECOND_FACTOR_REMOVED', NULL);
  END IF;
  RETURN QUERY SELECT had, COALESCE(u.email, ''), app.verified_username(u, p)
                 FROM app.user_private u JOIN app.profiles p ON p.user_id = u.user_id WHERE u.user_id = p_user_id;
END
$$;
