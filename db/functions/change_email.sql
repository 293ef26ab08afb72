-- Executed by: freehold_app
-- Uses a code that proves a new address, and makes it the address of the viewer. A code of app.request_upgrade also sets the password of
-- an account that is still anonymous. Returns the old and the new address; no row if the code is invalid or has expired.
CREATE OR REPLACE FUNCTION app.change_email(p_code_id uuid) RETURNS TABLE (old_email text, new_email text, username text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  used record;
  was record;
BEGIN
  PERFORM FROM app.accounts c WHERE c.user_id = app.viewer_id() FOR NO KEY UPDATE;
  DELETE FROM app.codes k
   WHERE k.id = p_code_id AND k.purpose = 'CHANGE_EMAIL' AND k.user_id = app.viewer_id() AND k.expires_at > clock_timestamp()
     AND (k.data IS NULL OR app.is_anonymous(app.viewer_id()))
  RETURNING k.email, k.email_key, k.data->>'password_hash' AS password_hash INTO used;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  SELECT COALESCE(u.email, '') AS email, u.email_verified_at IS NOT NULL AS verified, app.verified_username(u, p) AS username INTO STRICT was
    FROM app.user_private u JOIN app.profiles p ON p.user_id = u.user_id
   WHERE u.user_id = app.viewer_id()
     FOR NO KEY UPDATE OF u;
  UPDATE app.user_private u SET email = used.email, email_key = used.email_key, email_verified_at = now() WHERE u.user_id = app.viewer_id();
  IF used.password_hash IS NOT NULL THEN
    PERFORM app.put_password(app.viewer_id(), used.password_hash);
  END IF;
  IF NOT was.verified THEN
    PERFORM app.put_email_code(app.viewer_id());
  END IF;
  DELETE FROM app.codes k WHERE k.user_id = app.viewer_id();
  PERFORM app.delete_rival_codes(used.email_key, app.viewer_id());
  PERFORM app.record_event(app.viewer_id(), 'EMAIL_CHANGED');
  RETURN QUERY SELECT was.email, used.email, was.username;
END
$$;
