-- Executed by: freehold_app
-- Raises FH004 if the viewer must prove again who they are, with those of the factors p_accepts that they have as its detail, and FH003 if there is no session.
CREATE OR REPLACE FUNCTION app.require_reauthentication(p_seconds double precision, p_accepts text[]) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  IF app.viewer_id() IS NULL THEN
    RAISE EXCEPTION 'there is no session' USING ERRCODE = 'FH003';
  END IF;
  IF app.reauthenticated_until(app.viewer_id(), p_seconds) IS NULL THEN
    RAISE EXCEPTION 'the last sign-in or reauthentication was too long ago' USING ERRCODE = 'FH004', DETAIL = app.acceptable_factors(p_seconds, p_accepts);
  END IF;
END
$$;
