-- Executed by: freehold_app
-- Uses up a flow. False if that has happened already, or if it has expired.
CREATE OR REPLACE FUNCTION app.use_continuation(p_id bytea, p_purpose text) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  DELETE FROM app.continuations f WHERE f.id = p_id AND f.purpose = p_purpose AND f.expires_at > clock_timestamp();
  RETURN FOUND;
END
$$;
