-- Executed by: freehold_app
-- Ends the viewer's membership of a notebook, and withdraws their invitations to it. Returns OK; OWNER for its owner, who cannot
-- leave it; or REFUSED if they are not a member.
CREATE OR REPLACE FUNCTION app.leave_notebook(p_notebook_id uuid) RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  IF app.manages_notebook(p_notebook_id, '{OWNER}') AND EXISTS (SELECT FROM app.notebooks WHERE id = p_notebook_id AND user_id = app.viewer_id()) THEN
    RETURN 'OWNER';
  END IF;
  DELETE FROM app.notebook_invitations WHERE notebook_id = p_notebook_id AND user_id = app.viewer_id();
  DELETE FROM app.notebook_members WHERE notebook_id = p_notebook_id AND user_id = app.viewer_id();
  RETURN CASE WHEN FOUND THEN 'OK' ELSE 'REFUSED' END;
END
$$;
