-- Executed by: nobody
-- Deletes the pending sign-up with this username if its address was not verified in time.
CREATE OR REPLACE FUNCTION app.delete_expired_sign_up(p_username_key text) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  WITH expired AS MATERIALIZED (
    SELECT x.user_id FROM app.profiles p JOIN app.user_private x ON x.user_id = p.user_id
     WHERE p.username_key = p_username_key AND x.pending_until <= now()
       FOR UPDATE OF x -- the address may be verified at the same time
  )
  DELETE FROM app.users u USING expired WHERE u.id = expired.user_id
$$;
