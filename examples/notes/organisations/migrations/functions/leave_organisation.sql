-- Executed by: freehold_app
-- Ends the viewer's membership of an organisation. Returns whether they were a member.
CREATE OR REPLACE FUNCTION app.leave_organisation(p_id uuid) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  DELETE FROM app.organisation_members WHERE organisation_id = p_id AND user_id = app.viewer_id();
  RETURN FOUND;
END
$$;
