-- Executed by: freehold_app
-- Uses a recovery code of an account. It locks the account. Returns how many codes are left, and the recipient of a notice; no row if the
-- account has no such code, or if it was used already.
CREATE OR REPLACE FUNCTION app.use_recovery_code(p_user_id uuid, p_hash bytea)
  RETURNS TABLE (codes_left integer, email text, email_key text, username text, is_verified boolean)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  PERFORM FROM app.accounts c WHERE c.user_id = p_user_id FOR NO KEY UPDATE;
  UPDATE app.recovery_codes r SET used_at = now() WHERE r.user_id = p_user_id AND r.code_hash = p_hash AND r.used_at IS NULL;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  PERFORM app.record_event(p_user_id, 'RECOVERY_CODE_USED');
  RETURN QUERY
    SELECT (SELECT count(*) FROM app.recovery_codes r WHERE r.user_id = p_user_id AND r.used_at IS NULL)::integer,
           COALESCE(u.email, ''), COALESCE(u.email_key, ''), app.verified_username(u, p), u.email_verified_at IS NOT NULL
      FROM app.user_private u JOIN app.profiles p ON p.user_id = u.user_id WHERE u.user_id = p_user_id;
END
$$;
