-- Executed by: nobody
-- Adds a credential to an account, whose row the caller has locked or created. The account is then no longer anonymous. A session
-- that was started in this transaction, without a credential, is one of this credential. Raises FH010 if the account has too many.
CREATE OR REPLACE FUNCTION app.add_credential(p_user_id uuid, p_id uuid, p_kind text, p_name text) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  IF (SELECT count(*) FROM app.credentials k WHERE k.user_id = p_user_id) >= 50 THEN
    RAISE EXCEPTION 'the account has too many credentials' USING ERRCODE = 'FH010';
  END IF;
  INSERT INTO app.credentials (id, user_id, kind, name) VALUES (p_id, p_user_id, p_kind, p_name);
  UPDATE app.sessions s SET credential_id = p_id WHERE s.user_id = p_user_id AND s.id = app.session_id() AND s.credential_id IS NULL AND s.created_at = now();
  UPDATE app.accounts c SET anonymous = false WHERE c.user_id = p_user_id AND c.anonymous;
  PERFORM app.record_event(p_user_id, 'CREDENTIAL_ADDED');
END
$$;
