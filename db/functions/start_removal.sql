-- Executed by: freehold_owner
-- Lets the app role delete an account within a minute, for the command line: app.enter_removal and app.finish_removal take the ticket,
-- of which p_id is the hash. Returns whether there is such an account.
CREATE OR REPLACE FUNCTION app.start_removal(p_id bytea, p_user_id uuid) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  PERFORM FROM app.accounts c WHERE c.user_id = p_user_id FOR KEY SHARE;
  IF FOUND THEN
    INSERT INTO app.continuations (id, purpose, client_hash, user_id, data, expires_at)
    VALUES (p_id, 'REMOVAL', '', p_user_id, '', clock_timestamp() + interval '1 minute');
  END IF;
  RETURN FOUND;
END
$$;
