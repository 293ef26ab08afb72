-- Executed by: nobody
-- Replaces the recovery codes of an account, whose row the caller has locked.
CREATE OR REPLACE FUNCTION app.put_recovery_codes(p_user_id uuid, p_hashes bytea[]) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  DELETE FROM app.recovery_codes r WHERE r.user_id = p_user_id;
  INSERT INTO app.recovery_codes (user_id, code_hash) SELECT p_user_id, h FROM unnest(p_hashes) h;
  SELECT app.record_event(p_user_id, 'RECOVERY_CODES_CREATED')
$$;
