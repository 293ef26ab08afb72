-- Executed by: nobody
-- Raises FH005 if a user is the last operator: the only account with the scope accounts:disable that is not disabled itself.
-- Without it, no operator could enable an account. Callers that remove operators at the same time run one after the other.
CREATE OR REPLACE FUNCTION app.require_other_operator(p_user_id uuid) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  PERFORM FROM app.scope_grants g WHERE g.user_id = p_user_id AND g.scope = 'accounts:disable' AND NOT app.is_disabled(p_user_id);
  IF NOT FOUND THEN
    RETURN;
  END IF;
  PERFORM FROM app.scope_grants g WHERE g.scope = 'accounts:disable' ORDER BY g.user_id FOR UPDATE;
  PERFORM FROM app.scope_grants g WHERE g.scope = 'accounts:disable' AND g.user_id <> p_user_id AND NOT app.is_disabled(g.user_id);
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the account is the last operator' USING ERRCODE = 'FH005';
  END IF;
END
$$;
