-- Executed by: nobody
-- Sets the password of an account, whose row the caller has locked or created, which also makes it permanent; or deletes it if the hash
-- is empty. Returns the id of
-- the PASSWORD credential; NULL if there is none.
CREATE OR REPLACE FUNCTION app.put_password(p_user_id uuid, p_password_hash text) RETURNS uuid
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  stored uuid;
BEGIN
  UPDATE app.accounts c SET password_hash = p_password_hash, updated_at = now(), anonymous = c.anonymous AND p_password_hash = ''
   WHERE c.user_id = p_user_id;
  IF p_password_hash = '' THEN
    DELETE FROM app.credentials k WHERE k.user_id = p_user_id AND k.kind = 'PASSWORD';
    RETURN NULL;
  END IF;
  INSERT INTO app.credentials (id, user_id, kind, name) VALUES (gen_random_uuid(), p_user_id, 'PASSWORD', 'Password')
  ON CONFLICT (user_id, kind) WHERE kind IN ('PASSWORD', 'EMAIL_CODE') DO NOTHING;
  SELECT k.id INTO stored FROM app.credentials k WHERE k.user_id = p_user_id AND k.kind = 'PASSWORD';
  RETURN stored;
END
$$;
