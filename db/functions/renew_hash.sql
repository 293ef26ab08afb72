-- Executed by: freehold_app
-- Replaces the viewer's password hash with another hash of the same password, unless the password has changed.
CREATE OR REPLACE FUNCTION app.renew_hash(p_password_hash text, p_renewed_hash text) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  UPDATE app.accounts c SET password_hash = p_renewed_hash, updated_at = now()
   WHERE c.user_id = app.viewer_id() AND c.password_hash = p_password_hash AND c.password_hash <> ''
$$;
