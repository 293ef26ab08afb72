-- Executed by: nobody
-- Deletes the codes of the other pending sign-ups with an address, after an account has verified it, and reports whether
-- there were such sign-ups. The sign-ups stay until they expire, like those for a taken address: if their usernames became
-- free at once, the strangers who made them would learn when the owner verified the address.
CREATE OR REPLACE FUNCTION app.delete_rival_codes(p_email_key text, p_user_id uuid) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  rivals uuid[] := ARRAY(SELECT u.user_id FROM app.user_private u
                          WHERE u.email_key = p_email_key AND u.user_id <> p_user_id AND u.pending_until IS NOT NULL);
BEGIN
  DELETE FROM app.codes k WHERE k.user_id = ANY (rivals);
  RETURN rivals <> '{}';
END
$$;
