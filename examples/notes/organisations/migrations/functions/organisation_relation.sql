-- Executed by: freehold_app
-- Created: before the tables
-- The strongest relation of the viewer to an organisation: OWNER, ADMIN or MEMBER; NULL for none. If the account of the owner is
-- disabled, nobody else has one.
CREATE OR REPLACE FUNCTION app.organisation_relation(p_id uuid) RETURNS text
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  RETURN (SELECT CASE WHEN o.user_id = app.viewer_id() THEN 'OWNER' WHEN m.role IS NULL OR app.is_disabled(o.user_id) THEN NULL ELSE m.role END
            FROM app.organisations o LEFT JOIN app.organisation_members m ON m.organisation_id = o.id AND m.user_id = app.viewer_id()
           WHERE o.id = p_id);
END
$$;
