-- Executed by: nobody
-- Deletes everything with which a stranger could use an account: its credentials, its second factors and its flows. Sessions and
-- codes are the business of app.revoke_access.
CREATE OR REPLACE FUNCTION app.clear_credentials(p_user_id uuid) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  UPDATE app.accounts c SET password_hash = '', updated_at = now() WHERE c.user_id = p_user_id;
  DELETE FROM app.credentials k WHERE k.user_id = p_user_id;
  DELETE FROM app.recovery_codes r WHERE r.user_id = p_user_id;
  DELETE FROM app.continuations f WHERE f.user_id = p_user_id
$$;
