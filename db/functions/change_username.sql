-- Executed by: freehold_app
-- Changes the viewer's username and holds the old one for them. False if the new one is held for another user.
CREATE OR REPLACE FUNCTION app.change_username(p_username text, p_username_key text, p_hold_seconds double precision) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  old_key text;
BEGIN
  SELECT p.username_key INTO old_key FROM app.profiles p WHERE p.user_id = app.viewer_id() FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the account was deleted' USING ERRCODE = 'FH003';
  END IF;
  PERFORM app.delete_expired_sign_up(p_username_key);
  UPDATE app.profiles p SET username = p_username, username_key = p_username_key, updated_at = now() WHERE p.user_id = app.viewer_id();
  IF app.is_held(p_username_key) THEN
    RETURN false;
  END IF;
  DELETE FROM app.held_usernames h WHERE h.username_key = p_username_key;
  IF old_key <> p_username_key THEN
    PERFORM app.hold_username(old_key, app.viewer_id(), now() + make_interval(secs => p_hold_seconds));
  END IF;
  RETURN true;
END
$$;
