-- Executed by: freehold_app
-- Records in the viewer's session that they have proved again who they are, and how (RFC 8176). With p_strong, that was with two
-- factors.
CREATE OR REPLACE FUNCTION app.authenticate_again(p_amr text[], p_strong boolean) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  UPDATE app.sessions s
     SET authenticated_at = clock_timestamp(),
         second_factor_at = CASE WHEN p_strong THEN clock_timestamp() ELSE s.second_factor_at END,
         amr = ARRAY(SELECT DISTINCT a FROM unnest(s.amr || p_amr) a ORDER BY a)
   WHERE s.id = app.session_id() AND s.user_id = app.viewer_id()
$$;
