-- Executed by: freehold_app
-- Changes the role of a member of a notebook that the viewer owns. Returns OK, or why not: REFUSED, OWNER for its owner, who has no role, or
-- STRANGER for a user who is not a member.
CREATE OR REPLACE FUNCTION app.change_member_role(p_notebook_id uuid, p_user_id uuid, p_role text) RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  IF NOT app.manages_notebook(p_notebook_id, '{OWNER}') THEN
    RETURN 'REFUSED';
  ELSIF EXISTS (SELECT FROM app.notebooks WHERE id = p_notebook_id AND user_id = p_user_id) THEN
    RETURN 'OWNER';
  END IF;
  UPDATE app.notebook_members SET role = p_role WHERE notebook_id = p_notebook_id AND user_id = p_user_id;
  RETURN CASE WHEN FOUND THEN 'OK' ELSE 'STRANGER' END;
END
$$;
