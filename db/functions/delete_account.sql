-- Executed by: freehold_app
-- Deletes the viewer's account and everything that refers to it. Holds its username, which no user can take in that time.
-- Returns the recipient of a notice; no row if p_seen_hash is not the viewer's hash. The hash of an account without a password is '',
-- which requires a session of the viewer. Raises FH005 if the viewer is the last operator.
CREATE OR REPLACE FUNCTION app.delete_account(p_seen_hash text, p_hold_seconds double precision) RETURNS TABLE (email text, username text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  mine record;
BEGIN
  PERFORM FROM app.accounts c
    WHERE c.user_id = app.viewer_id() AND c.password_hash = p_seen_hash
      AND (c.password_hash <> '' OR EXISTS (SELECT FROM app.sessions s WHERE s.id = app.session_id() AND s.user_id = c.user_id))
      FOR UPDATE;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  PERFORM app.require_other_operator(app.viewer_id());
  SELECT COALESCE(u.email, '') AS email, app.verified_username(u, p) AS username, p.username_key INTO STRICT mine
    FROM app.user_private u JOIN app.profiles p ON p.user_id = u.user_id
   WHERE u.user_id = app.viewer_id()
     FOR NO KEY UPDATE OF p; -- the username may be changing
  PERFORM app.hold_username(mine.username_key, NULL, now() + make_interval(secs => p_hold_seconds));
  DELETE FROM app.outbox o USING app.codes k WHERE k.user_id = app.viewer_id() AND o.code_id = k.id AND o.sent_at IS NULL AND o.parked_at IS NULL;
  DELETE FROM app.codes k WHERE k.user_id = app.viewer_id();
  DELETE FROM app.users x WHERE x.id = app.viewer_id();
  RETURN QUERY SELECT mine.email, mine.username;
END
$$;
