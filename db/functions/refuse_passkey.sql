-- Executed by: freehold_app
-- Records a refused sign-in with a passkey, also with one that no account has.
CREATE OR REPLACE FUNCTION app.refuse_passkey(p_key_id bytea) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  PERFORM app.record_refused_sign_in((SELECT f.user_id FROM app.find_passkey(p_key_id) f));
END
$$;
