-- Executed by: freehold_app
-- Adds a user of an identity provider to the viewer's account, as a credential. Returns the id of the credential and whether it is new; no
-- row if another account has it.
CREATE OR REPLACE FUNCTION app.add_identity(p_issuer text, p_subject text, p_email text, p_id uuid, p_name text)
  RETURNS TABLE (credential_id uuid, added boolean)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  account record;
BEGIN
  IF app.viewer_id() IS NULL THEN
    RAISE EXCEPTION 'there is no session' USING ERRCODE = 'FH003';
  END IF;
  PERFORM FROM app.accounts c WHERE c.user_id = app.viewer_id() FOR NO KEY UPDATE;
  SELECT k.user_id, k.id INTO account FROM app.identities i JOIN app.credentials k ON k.id = i.credential_id
   WHERE i.issuer = p_issuer AND i.subject = p_subject;
  IF NOT FOUND THEN
    PERFORM app.add_credential(app.viewer_id(), p_id, 'OAUTH', p_name);
    INSERT INTO app.identities (credential_id, issuer, subject, email) VALUES (p_id, p_issuer, p_subject, p_email);
    UPDATE app.credentials k SET last_used_at = clock_timestamp() WHERE k.id = p_id; -- the user has just signed in with it, there or here
    RETURN QUERY SELECT p_id, true;
  ELSIF account.user_id = app.viewer_id() THEN
    RETURN QUERY SELECT account.id, false;
  END IF;
END
$$;
