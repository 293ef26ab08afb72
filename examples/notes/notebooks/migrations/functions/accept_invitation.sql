-- Executed by: freehold_app
-- Uses an invitation to a notebook. Returns OK, or why not: INVALID if it is unknown, used or expired, or if the user who invites has
-- lost the relation that permits it or is disabled; SELF for their own invitation; MEMBER for a viewer who has a relation already; or FULL if the
-- notebook has too many members, or the viewer is a member of too many notebooks. The secret has 256 random bits, so the search for
-- its hash reveals nothing about it.
CREATE OR REPLACE FUNCTION app.accept_invitation(p_secret_hash bytea) RETURNS TABLE (outcome text, notebook_id uuid)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
#variable_conflict use_column
DECLARE
  i record;
BEGIN
  SELECT x.id, x.notebook_id, x.user_id, x.role INTO i
    FROM app.notebook_invitations x WHERE x.secret_hash = p_secret_hash AND x.expires_at > now();
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'INVALID', NULL::uuid;
    RETURN;
  END IF;
  PERFORM FROM app.notebooks b WHERE b.id = i.notebook_id FOR UPDATE;
  RETURN QUERY SELECT CASE
    WHEN (app.relation_to_notebook(i.notebook_id, i.user_id) IN ('OWNER', 'EDITOR')) IS NOT TRUE OR app.is_disabled(i.user_id) THEN 'INVALID'
    WHEN i.user_id = app.viewer_id() THEN 'SELF'
    WHEN app.notebook_relation(i.notebook_id) IS NOT NULL THEN 'MEMBER'
    WHEN (SELECT count(*) FROM app.notebook_members m WHERE m.notebook_id = i.notebook_id) >= 100
      OR (SELECT count(*) FROM app.notebook_members m WHERE m.user_id = app.viewer_id()) >= 500 THEN 'FULL'
    ELSE app.use_invitation(i.id) END, i.notebook_id;
END
$$;
