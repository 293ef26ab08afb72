-- Executed by: freehold_app
-- The account of an address and its PASSWORD credential, if p_password_hash is its hash. It locks the account. Otherwise it records
-- a refused sign-in and returns no row.
CREATE OR REPLACE FUNCTION app.prove_password(p_email_key text, p_password_hash text) RETURNS TABLE (user_id uuid, credential_id uuid)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  v_user_id uuid;
BEGIN
  SELECT c.user_id INTO v_user_id
    FROM app.user_private u JOIN app.accounts c ON c.user_id = u.user_id
   WHERE u.email_key = p_email_key AND u.pending_until IS NULL AND c.disabled_at IS NULL
     AND c.password_hash = p_password_hash AND c.password_hash <> ''
     FOR NO KEY UPDATE OF c;
  IF NOT FOUND THEN
    SELECT c.user_id INTO v_user_id
      FROM app.user_private u JOIN app.accounts c ON c.user_id = u.user_id
     WHERE u.email_key = p_email_key AND u.pending_until IS NULL AND c.disabled_at IS NULL;
    PERFORM app.record_refused_sign_in(v_user_id);
    RETURN;
  END IF;
  RETURN QUERY SELECT v_user_id, (SELECT k.id FROM app.credentials k WHERE k.user_id = v_user_id AND k.kind = 'PASSWORD');
END
$$;
