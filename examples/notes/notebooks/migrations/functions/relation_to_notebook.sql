-- Executed by: nobody
-- Created: before the tables
-- The strongest relation of a user to a notebook: OWNER, EDITOR or MEMBER; NULL for none. If the account of the owner is disabled,
-- nobody else has one.
CREATE OR REPLACE FUNCTION app.relation_to_notebook(p_id uuid, p_user_id uuid) RETURNS text
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  RETURN (SELECT CASE WHEN b.user_id = p_user_id THEN 'OWNER' WHEN m.role IS NULL OR app.is_disabled(b.user_id) THEN NULL ELSE m.role END
            FROM app.notebooks b LEFT JOIN app.notebook_members m ON m.notebook_id = b.id AND m.user_id = p_user_id
           WHERE b.id = p_id);
END
$$;
