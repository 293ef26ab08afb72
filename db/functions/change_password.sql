-- Executed by: freehold_app
-- Changes the viewer's password, revokes their other sessions and deletes all their codes. Returns the recipient of a
-- notice; no row if p_seen_hash is not the viewer's hash.
CREATE OR REPLACE FUNCTION app.change_password(p_seen_hash text, p_password_hash text) RETURNS TABLE (email text, username text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  UPDATE app.accounts c SET password_hash = p_password_hash, updated_at = now()
   WHERE c.user_id = app.viewer_id() AND c.password_hash = p_seen_hash AND c.password_hash <> '';
  IF NOT FOUND THEN
    RETURN;
  END IF;
  PERFORM app.revoke_access(app.viewer_id(), app.session_id());
  PERFORM app.authenticate_again('{pwd}', false);
  PERFORM app.record_event(app.viewer_id(), 'PASSWORD_CHANGED');
  RETURN QUERY SELECT COALESCE(u.email, ''), app.verified_username(u, p) FROM app.user_private u JOIN app.profiles p ON p.user_id = u.user_id WHERE u.user_id = app.viewer_id();
END
$$;
