-- Executed by: freehold_app
-- Whether a username is held for another user than the viewer. Call it after writing the username, which prevents another
-- user from giving it up in between.
CREATE OR REPLACE FUNCTION app.is_held(p_username_key text) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT EXISTS (SELECT FROM app.held_usernames h
                  WHERE h.username_key = p_username_key AND h.held_until > now()
                    AND (h.user_id IS NULL OR h.user_id IS DISTINCT FROM app.viewer_id()))
$$;
