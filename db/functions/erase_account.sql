-- Executed by: nobody
-- Deletes an account, which the caller has locked, and everything that refers to it. Holds its username, which no user can take in that
-- time. Returns the recipient of a notice. Raises FH005 if it is the last operator.
CREATE OR REPLACE FUNCTION app.erase_account(p_user_id uuid, p_hold_seconds double precision) RETURNS TABLE (email text, username text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  its record;
BEGIN
  PERFORM app.require_other_operator(p_user_id);
  SELECT COALESCE(u.email, '') AS email, app.verified_username(u, p) AS username, p.username_key INTO STRICT its
    FROM app.user_private u JOIN app.profiles p ON p.user_id = u.user_id
   WHERE u.user_id = p_user_id
     FOR NO KEY UPDATE OF p; -- the username may be changing
  PERFORM app.hold_username(its.username_key, NULL, now() + make_interval(secs => p_hold_seconds));
  DELETE FROM app.outbox o USING app.codes k WHERE k.user_id = p_user_id AND o.code_id = k.id AND o.sent_at IS NULL AND o.parked_at IS NULL;
  DELETE FROM app.codes k WHERE k.user_id = p_user_id;
  DELETE FROM app.users x WHERE x.id = p_user_id;
  RETURN QUERY SELECT its.email, its.username;
END
$$;
