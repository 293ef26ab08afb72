-- Executed by: freehold_app
-- Uses a code with which the owner of its address signs up. False if it is invalid or has expired.
CREATE OR REPLACE FUNCTION app.use_sign_up_code(p_code_id uuid) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  DELETE FROM app.codes k
   WHERE k.id = p_code_id AND k.purpose = 'SIGN_IN' AND k.user_id = '00000000-0000-0000-0000-000000000000' AND k.expires_at > clock_timestamp();
  RETURN FOUND;
END
$$;
