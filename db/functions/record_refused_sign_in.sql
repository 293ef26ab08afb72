-- Executed by: nobody
-- Records a sign-in that was refused, also for an address without an account. For an account that was deleted in the meantime it
-- records nothing.
CREATE OR REPLACE FUNCTION app.record_refused_sign_in(p_user_id uuid) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  PERFORM app.record_event(p_user_id, 'SIGN_IN_REFUSED');
EXCEPTION WHEN foreign_key_violation THEN
END
$$;
