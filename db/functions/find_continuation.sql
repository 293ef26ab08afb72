-- Executed by: freehold_app
-- What a flow knows, for a client that has one of these hashes. No row if it was used, has expired, or is of another purpose or client.
CREATE OR REPLACE FUNCTION app.find_continuation(p_id bytea, p_purpose text, p_client_hashes bytea[])
  RETURNS TABLE (user_id uuid, client_hash bytea, data bytea)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT f.user_id, f.client_hash, f.data FROM app.continuations f
   WHERE f.id = p_id AND f.purpose = p_purpose AND f.client_hash = ANY (p_client_hashes) AND f.expires_at > clock_timestamp()
$$;
