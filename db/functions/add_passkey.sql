-- Executed by: freehold_app
-- Adds a passkey to the viewer's account. It violates passkeys_key_id if an account has the passkey already.
CREATE OR REPLACE FUNCTION app.add_passkey(p_id uuid, p_name text, p_key_id bytea, p_public_key bytea, p_sign_count bigint, p_aaguid uuid,
                                           p_transports text[], p_backup_eligible boolean, p_backed_up boolean)
  RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  PERFORM FROM app.accounts c WHERE c.user_id = app.viewer_id() FOR NO KEY UPDATE;
  PERFORM app.add_credential(app.viewer_id(), p_id, 'PASSKEY', p_name);
  INSERT INTO app.passkeys (credential_id, key_id, public_key, sign_count, aaguid, transports, backup_eligible, backed_up)
  VALUES (p_id, p_key_id, p_public_key, p_sign_count, p_aaguid, p_transports, p_backup_eligible, p_backed_up);
  UPDATE app.credentials k SET last_used_at = clock_timestamp() WHERE k.id = p_id; -- the user has just used it
END
$$;
