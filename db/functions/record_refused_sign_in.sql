-- Executed by: nobody
-- Records a refused sign-in, also for an address without an account. If the account was deleted in the meantime, it records
-- nothing.
CREATE OR REPLACE FUNCTION app.record_refused_sign_in(p_user_id uuid) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  PERFORM app.record_event(p_user_id, 'SIGN_IN_REFUSED');
EXCEPTION WHEN foreign_key_violation THEN
END
$$;
