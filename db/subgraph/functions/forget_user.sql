-- Executed by: freehold_owner
-- Deletes everything that refers to a user, and returns whether there was such a user. For a day, longer than any access token is
-- valid, the user cannot enter a transaction. The lock waits for transactions that are recording a user.
CREATE OR REPLACE FUNCTION app.forget_user(p_user_id uuid) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  LOCK TABLE app.users IN SHARE ROW EXCLUSIVE MODE;
  INSERT INTO app.forgotten_users AS f (user_id, forgotten_at) VALUES (p_user_id, now())
      ON CONFLICT (user_id) DO UPDATE SET forgotten_at = excluded.forgotten_at;
  DELETE FROM app.forgotten_users f WHERE f.forgotten_at < now() - interval '1 day';
  DELETE FROM app.users u WHERE u.id = p_user_id;
  RETURN FOUND;
END
$$;
