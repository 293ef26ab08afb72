-- Executed by: freehold_app
-- Records a security event for the viewer's account. Functions that start sessions or change an account record the other
-- kinds, so that the event and the change are always committed together. Raises FH003 if there is no viewer.
CREATE OR REPLACE FUNCTION app.record_own_event(p_kind text) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  IF app.viewer_id() IS NULL THEN
    RAISE EXCEPTION 'there is no session' USING ERRCODE = 'FH003';
  ELSIF p_kind IS NULL OR p_kind NOT IN ('SIGNED_OUT', 'SESSION_REVOKED', 'OTHER_SESSIONS_REVOKED', 'REAUTHENTICATED', 'USERNAME_CHANGED') THEN
    RAISE EXCEPTION 'viewers cannot record the event %', p_kind USING ERRCODE = 'invalid_parameter_value';
  END IF;
  PERFORM app.record_event(app.viewer_id(), p_kind);
END
$$;
