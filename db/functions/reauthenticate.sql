-- Executed by: freehold_app
-- Records in the session that the viewer has entered their password. False if p_seen_hash is not the viewer's hash.
CREATE OR REPLACE FUNCTION app.reauthenticate(p_seen_hash text) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  PERFORM FROM app.accounts c WHERE c.user_id = app.viewer_id() AND c.password_hash = p_seen_hash AND c.password_hash <> '' FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  PERFORM app.authenticate_again('{pwd}', false);
  RETURN true;
END
$$;
