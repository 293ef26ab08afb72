-- Executed by: freehold_app
-- Finds the account of a user of an identity provider. p_email_key is the address that the provider has verified, or NULL. Returns one
-- row, whose outcome is 'known' if an account has the identity; 'verified' if an account has verified the same address; 'unverified' if
-- an account has the address and has not verified it; or 'new' if there is no account. Adds the identity to no account:
-- app.add_identity does, after its owner has proved every factor.
CREATE OR REPLACE FUNCTION app.prove_identity(p_issuer text, p_subject text, p_email text, p_email_key text)
  RETURNS TABLE (outcome text, user_id uuid, credential_id uuid)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  account record;
BEGIN
  SELECT k.user_id, k.id INTO account FROM app.identities i JOIN app.credentials k ON k.id = i.credential_id
   WHERE i.issuer = p_issuer AND i.subject = p_subject;
  IF FOUND THEN
    UPDATE app.identities i SET email = p_email WHERE i.credential_id = account.id AND i.email IS DISTINCT FROM p_email;
    RETURN QUERY SELECT 'known', account.user_id, account.id;
    RETURN;
  END IF;
  PERFORM FROM app.accounts c JOIN app.user_private u ON u.user_id = c.user_id
    WHERE u.email_key = p_email_key AND u.pending_until IS NULL
      FOR NO KEY UPDATE OF c;
  SELECT u.user_id, u.email_verified_at INTO account FROM app.user_private u WHERE u.email_key = p_email_key AND u.pending_until IS NULL;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'new', NULL::uuid, NULL::uuid;
  ELSIF account.email_verified_at IS NULL THEN
    RETURN QUERY SELECT 'unverified', NULL::uuid, NULL::uuid;
  ELSE
    RETURN QUERY SELECT 'verified', account.user_id, NULL::uuid;
  END IF;
END
$$;
