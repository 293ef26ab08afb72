-- Executed by: freehold_app
-- Deletes the viewer's account; see app.erase_account. No row if p_seen_hash is not the viewer's hash. The hash of an account without
-- a password is '', which requires a session of the viewer.
CREATE OR REPLACE FUNCTION app.delete_account(p_seen_hash text, p_hold_seconds double precision) RETURNS TABLE (email text, username text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  PERFORM FROM app.accounts c
    WHERE c.user_id = app.viewer_id() AND c.password_hash = p_seen_hash
      AND (c.password_hash <> '' OR EXISTS (SELECT FROM app.sessions s WHERE s.id = app.session_id() AND s.user_id = c.user_id))
      FOR UPDATE;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  RETURN QUERY SELECT x.email, x.username FROM app.erase_account(app.viewer_id(), p_hold_seconds) x;
END
$$;
