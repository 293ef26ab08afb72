-- Executed by: nobody
-- Holds a username for the user who gave it up, or for no user.
CREATE OR REPLACE FUNCTION app.hold_username(p_username_key text, p_user_id uuid, p_until timestamptz) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  INSERT INTO app.held_usernames AS h (username_key, user_id, held_until)
  VALUES (p_username_key, p_user_id, p_until)
  ON CONFLICT (username_key) DO UPDATE SET user_id = excluded.user_id, held_until = GREATEST(h.held_until, excluded.held_until)
$$;
