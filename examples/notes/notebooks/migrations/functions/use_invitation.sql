-- Executed by: nobody
-- Replaces an invitation by a membership of the viewer; INVALID if another viewer has used it in the meantime.
CREATE OR REPLACE FUNCTION app.use_invitation(p_id uuid) RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  i record;
BEGIN
  DELETE FROM app.notebook_invitations x WHERE x.id = p_id RETURNING x.notebook_id, x.role INTO i;
  IF NOT FOUND THEN
    RETURN 'INVALID';
  END IF;
  INSERT INTO app.notebook_members (notebook_id, user_id, role) VALUES (i.notebook_id, app.viewer_id(), i.role);
  RETURN 'OK';
END
$$;
