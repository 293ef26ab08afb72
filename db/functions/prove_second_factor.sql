-- Executed by: freehold_app
-- Records in the viewer's session that they have proved a second factor, and how (RFC 8176). Raises FH003 if there is no session, and
-- FH004, as app.require_reauthentication, if they have proved a first factor more than p_seconds ago: one factor alone is never two.
CREATE OR REPLACE FUNCTION app.prove_second_factor(p_amr text[], p_seconds double precision, p_accepts text[]) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  IF app.viewer_id() IS NULL THEN
    RAISE EXCEPTION 'there is no session' USING ERRCODE = 'FH003';
  END IF;
  UPDATE app.sessions s
     SET second_factor_at = clock_timestamp(), amr = ARRAY(SELECT DISTINCT a FROM unnest(s.amr || p_amr) a ORDER BY a)
   WHERE s.id = app.session_id() AND s.user_id = app.viewer_id() AND s.authenticated_at + make_interval(secs => p_seconds) > now();
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the last proof of a first factor was too long ago' USING ERRCODE = 'FH004', DETAIL = app.acceptable_factors(p_seconds, p_accepts);
  END IF;
END
$$;
