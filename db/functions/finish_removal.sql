-- Executed by: freehold_app
-- Deletes an account that app.enter_removal has locked in this transaction; see app.erase_account. No row if the ticket is unknown. It may
-- have expired in the meantime.
CREATE OR REPLACE FUNCTION app.finish_removal(p_id bytea, p_hold_seconds double precision) RETURNS TABLE (email text, username text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  owner uuid;
BEGIN
  DELETE FROM app.continuations f
   WHERE f.id = p_id AND f.purpose = 'REMOVAL' AND f.user_id = app.viewer_id()
  RETURNING f.user_id INTO owner;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  RETURN QUERY SELECT x.email, x.username FROM app.erase_account(owner, p_hold_seconds) x;
END
$$;
