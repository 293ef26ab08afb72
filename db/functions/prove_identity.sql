-- Executed by: freehold_app
-- Finds the account of a user of an identity provider. If the provider has verified an address (p_email_key), the account that has verified
-- the same one gets the identity, as a credential with p_id and p_name. Returns one row. Its outcome is 'known'; 'added', with the address
-- and the username for a notice; 'unverified' if an account has the address and has not verified it; or 'new' if there is no account.
CREATE OR REPLACE FUNCTION app.prove_identity(p_issuer text, p_subject text, p_email text, p_email_key text, p_id uuid, p_name text)
  RETURNS TABLE (outcome text, user_id uuid, credential_id uuid, email text, username text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  account record;
BEGIN
  SELECT k.user_id, k.id INTO account FROM app.identities i JOIN app.credentials k ON k.id = i.credential_id
   WHERE i.issuer = p_issuer AND i.subject = p_subject;
  IF FOUND THEN
    UPDATE app.identities i SET email = p_email WHERE i.credential_id = account.id AND i.email IS DISTINCT FROM p_email;
    RETURN QUERY SELECT 'known', account.user_id, account.id, NULL, NULL;
    RETURN;
  END IF;
  PERFORM FROM app.accounts c JOIN app.user_private u ON u.user_id = c.user_id
    WHERE u.email_key = p_email_key AND u.pending_until IS NULL
      FOR NO KEY UPDATE OF c;
  SELECT u.user_id, u.email, u.email_verified_at, c.disabled_at, p.username INTO account
    FROM app.user_private u JOIN app.accounts c ON c.user_id = u.user_id JOIN app.profiles p ON p.user_id = u.user_id
   WHERE u.email_key = p_email_key AND u.pending_until IS NULL;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'new', NULL::uuid, NULL::uuid, NULL, NULL;
  ELSIF account.email_verified_at IS NULL THEN
    RETURN QUERY SELECT 'unverified', NULL::uuid, NULL::uuid, NULL, NULL;
  ELSIF account.disabled_at IS NOT NULL THEN -- the sign-in will be refused
    RETURN QUERY SELECT 'known', account.user_id, NULL::uuid, NULL, NULL;
  ELSE
    PERFORM app.add_credential(account.user_id, p_id, 'OAUTH', p_name);
    INSERT INTO app.identities (credential_id, issuer, subject, email) VALUES (p_id, p_issuer, p_subject, p_email);
    RETURN QUERY SELECT 'added', account.user_id, p_id, account.email, account.username;
  END IF;
END
$$;
