-- Executed by: freehold_app
-- Withdraws an invitation to the viewer's notebook, if it is still open. Returns OK, or REFUSED if the viewer is not the owner.
CREATE OR REPLACE FUNCTION app.revoke_invitation(p_notebook_id uuid, p_id uuid) RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  IF NOT app.manages_notebook(p_notebook_id, '{OWNER}') THEN
    RETURN 'REFUSED';
  END IF;
  DELETE FROM app.notebook_invitations WHERE notebook_id = p_notebook_id AND id = p_id;
  RETURN 'OK';
END
$$;
