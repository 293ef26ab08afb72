-- Executed by: freehold_app
-- Removes a credential of the viewer, and revokes their other sessions that were started with it. Returns its kind and its name; no
-- row if the viewer has no such credential. Raises FH011 if the viewer could not sign in any more.
CREATE OR REPLACE FUNCTION app.remove_credential(p_id uuid) RETURNS TABLE (kind text, name text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  removed record;
BEGIN
  PERFORM FROM app.accounts c WHERE c.user_id = app.viewer_id() FOR NO KEY UPDATE;
  SELECT k.kind, k.name INTO removed FROM app.credentials k WHERE k.id = p_id AND k.user_id = app.viewer_id();
  IF NOT FOUND THEN
    RETURN;
  ELSIF removed.kind <> 'TOTP' AND NOT EXISTS (
    SELECT FROM app.credentials k WHERE k.user_id = app.viewer_id() AND k.id <> p_id AND k.kind <> 'TOTP'
  ) THEN
    RAISE EXCEPTION 'the account has no other way in' USING ERRCODE = 'FH011';
  END IF;
  UPDATE app.sessions s SET revoked_at = now() WHERE s.credential_id = p_id AND s.id IS DISTINCT FROM app.session_id() AND s.revoked_at IS NULL;
  DELETE FROM app.continuations f WHERE f.user_id = app.viewer_id();
  DELETE FROM app.credentials k WHERE k.id = p_id;
  IF removed.kind = 'PASSWORD' THEN
    PERFORM app.put_password(app.viewer_id(), '');
  ELSIF NOT EXISTS (SELECT FROM app.credentials k WHERE k.user_id = app.viewer_id() AND k.kind = 'TOTP') THEN
    DELETE FROM app.recovery_codes r WHERE r.user_id = app.viewer_id();
  END IF;
  PERFORM app.record_event(app.viewer_id(), 'CREDENTIAL_REMOVED');
  RETURN QUERY SELECT removed.kind, removed.name;
END
$$;
