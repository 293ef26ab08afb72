-- Executed by: freehold_app
-- Stores what a flow of several requests knows, for a client. The user is the one whose account the flow continues, if there is one.
-- Only the command line starts a removal; see app.start_removal.
CREATE OR REPLACE FUNCTION app.open_continuation(p_id bytea, p_purpose text, p_client_hash bytea, p_user_id uuid, p_data bytea, p_seconds double precision)
  RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  IF p_purpose = 'REMOVAL' THEN
    RAISE EXCEPTION 'app.open_continuation: a removal' USING ERRCODE = 'insufficient_privilege';
  END IF;
  INSERT INTO app.continuations (id, purpose, client_hash, user_id, data, expires_at)
  VALUES (p_id, p_purpose, p_client_hash, p_user_id, p_data, clock_timestamp() + make_interval(secs => p_seconds));
END
$$;
