-- Executed by: freehold_app
-- Creates a code that resets the password of an account, for an operator with the scope passwords:reset; see app.put_reset_code.
CREATE OR REPLACE FUNCTION app.start_password_reset(p_user_id uuid, p_email_key text, p_code_id uuid, p_valid_seconds double precision)
  RETURNS TABLE (email text, username text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  PERFORM app.require_scope('passwords:reset');
  RETURN QUERY SELECT r.email, r.username FROM app.put_reset_code(p_user_id, p_email_key, p_code_id, p_valid_seconds, app.viewer_id()) r;
END
$$;
