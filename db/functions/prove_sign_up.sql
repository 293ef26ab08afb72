-- Executed by: freehold_app
-- The account that a key has signed up, for a caller that has its address and the hash of its password. Otherwise it records
-- a refused sign-in and returns no row.
CREATE OR REPLACE FUNCTION app.prove_sign_up(p_key_hash bytea, p_email_key text, p_password_hash text)
  RETURNS TABLE (pending boolean, is_verified boolean, fingerprint bytea)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  earlier record;
BEGIN
  SELECT k.user_id, k.fingerprint, u.pending_until IS NOT NULL AS pending, u.email_verified_at IS NOT NULL AS is_verified,
         u.email_key = p_email_key AND c.password_hash = p_password_hash AND c.password_hash <> '' AS proved
    INTO earlier
    FROM app.sign_up_keys k
    JOIN app.user_private u ON u.user_id = k.user_id
    JOIN app.accounts c ON c.user_id = k.user_id
   WHERE k.key_hash = p_key_hash AND c.disabled_at IS NULL AND (u.pending_until IS NULL OR u.pending_until > now());
  IF earlier.proved THEN
    RETURN QUERY SELECT earlier.pending, earlier.is_verified, earlier.fingerprint;
  ELSE
    PERFORM app.record_refused_sign_in(earlier.user_id);
  END IF;
END
$$;
