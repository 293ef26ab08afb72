-- Executed by: freehold_app
-- Replaces the recovery codes of the viewer. False if there is no viewer, or if they have no second factor.
CREATE OR REPLACE FUNCTION app.create_recovery_codes(p_hashes bytea[]) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  PERFORM FROM app.accounts c WHERE c.user_id = app.viewer_id() FOR NO KEY UPDATE;
  IF NOT FOUND OR NOT app.has_second_factor(app.viewer_id()) THEN
    RETURN false;
  END IF;
  PERFORM app.put_recovery_codes(app.viewer_id(), p_hashes);
  RETURN true;
END
$$;
