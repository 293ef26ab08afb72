-- Executed by: freehold_app
-- Makes a member the owner of a notebook that the viewer owns, and of the notes in it, which follow through their foreign key. The viewer
-- stays an editor. Returns OK, or why not: REFUSED, OWNER for the owner, or STRANGER for a user who is not a member or whose account
-- is disabled.
CREATE OR REPLACE FUNCTION app.transfer_notebook(p_notebook_id uuid, p_user_id uuid) RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  former uuid;
BEGIN
  IF NOT app.manages_notebook(p_notebook_id, '{OWNER}') THEN
    RETURN 'REFUSED';
  END IF;
  SELECT b.user_id INTO former FROM app.notebooks b WHERE b.id = p_notebook_id;
  IF former = p_user_id THEN
    RETURN 'OWNER';
  ELSIF app.relation_to_notebook(p_notebook_id, p_user_id) IS NULL OR app.is_disabled(p_user_id) THEN
    RETURN 'STRANGER';
  END IF;
  UPDATE app.notebooks SET user_id = p_user_id WHERE id = p_notebook_id;
  DELETE FROM app.notebook_members WHERE notebook_id = p_notebook_id AND user_id = p_user_id;
  INSERT INTO app.notebook_members (notebook_id, user_id, role) VALUES (p_notebook_id, former, 'EDITOR');
  RETURN 'OK';
END
$$;
