-- Executed by: freehold_app
-- Invites someone to a notebook of which the viewer is the owner or an editor. The invitation works once, for anyone who has its
-- secret. Returns OK, or why not: REFUSED, SELF for the viewer's own address, or FULL if the notebook has too many open invitations.
CREATE OR REPLACE FUNCTION app.invite_to_notebook(p_id uuid, p_notebook_id uuid, p_role text, p_email text, p_email_key text, p_secret_hash bytea, p_expires_at timestamptz)
  RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  IF NOT app.manages_notebook(p_notebook_id, '{OWNER,EDITOR}') THEN
    RETURN 'REFUSED';
  END IF;
  IF p_email_key IS NOT NULL THEN -- a second subgraph has no addresses
    IF EXISTS (SELECT FROM app.user_private u WHERE u.user_id = app.viewer_id() AND u.email_key = p_email_key) THEN
      RETURN 'SELF';
    END IF;
  END IF;
  DELETE FROM app.notebook_invitations i WHERE i.notebook_id = p_notebook_id AND i.expires_at <= now();
  IF (SELECT count(*) FROM app.notebook_invitations i WHERE i.notebook_id = p_notebook_id) >= 100 THEN
    RETURN 'FULL';
  END IF;
  INSERT INTO app.notebook_invitations (id, notebook_id, user_id, role, email, secret_hash, expires_at)
  VALUES (p_id, p_notebook_id, app.viewer_id(), p_role, p_email, p_secret_hash, p_expires_at);
  RETURN 'OK';
END
$$;
