-- Executed by: freehold_app
-- Counts a guess within a flow. False if there were p_most guesses already, or if the flow has ended.
CREATE OR REPLACE FUNCTION app.guess_continuation(p_id bytea, p_purpose text, p_most integer) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  UPDATE app.continuations f SET guesses = f.guesses + 1
   WHERE f.id = p_id AND f.purpose = p_purpose AND f.guesses < p_most AND f.expires_at > clock_timestamp();
  RETURN FOUND;
END
$$;
