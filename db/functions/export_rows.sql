-- Executed by: freehold_owner
-- The rows that belong to a user, as JSON, each with the name of its table; see app.export_tables. Raises FH012 if they have more than
-- p_max_bytes, which may be NULL, before it reads more.
CREATE OR REPLACE FUNCTION app.export_rows(p_user_id uuid, p_max_bytes bigint) RETURNS TABLE (label text, data text)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  RETURN QUERY SELECT x.label, x.data FROM app.exported_rows(p_user_id, p_max_bytes) x; -- which app.prepare_export writes
END
$$;
