-- Executed by: freehold_app
-- Makes the owner of an account that is to be deleted the viewer of this transaction, so that hooks run as the owner; see
-- app.start_removal. The account may be disabled or pending. Returns its id; NULL if the ticket is unknown or has expired.
CREATE OR REPLACE FUNCTION app.enter_removal(p_id bytea) RETURNS uuid
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  owner uuid;
BEGIN
  SELECT c.user_id INTO owner
    FROM app.accounts c JOIN app.continuations f ON f.user_id = c.user_id
   WHERE f.id = p_id AND f.purpose = 'REMOVAL' AND f.expires_at > clock_timestamp()
     FOR UPDATE OF c, f;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  PERFORM set_config('app.viewer_id', owner::text, true);
  RETURN owner;
END
$$;
