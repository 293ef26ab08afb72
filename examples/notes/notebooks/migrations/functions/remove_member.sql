-- Executed by: freehold_app
-- Ends the membership of a user in the viewer's notebook, and withdraws their invitations to it. Returns OK, or why not: REFUSED,
-- OWNER for its owner, or STRANGER for a user who is not a member.
CREATE OR REPLACE FUNCTION app.remove_member(p_notebook_id uuid, p_user_id uuid) RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  IF NOT app.manages_notebook(p_notebook_id, '{OWNER}') THEN
    RETURN 'REFUSED';
  ELSIF EXISTS (SELECT FROM app.notebooks WHERE id = p_notebook_id AND user_id = p_user_id) THEN
    RETURN 'OWNER';
  END IF;
  DELETE FROM app.notebook_invitations WHERE notebook_id = p_notebook_id AND user_id = p_user_id;
  DELETE FROM app.notebook_members WHERE notebook_id = p_notebook_id AND user_id = p_user_id;
  RETURN CASE WHEN FOUND THEN 'OK' ELSE 'STRANGER' END;
END
$$;
