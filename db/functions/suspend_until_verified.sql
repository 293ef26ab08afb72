-- Executed by: freehold_app
-- Suspends the viewer's new account until its address is verified: deletes its sessions and hides its profile. Returns the
-- address of the account that already has the address, or NULL. In that case the code belongs to no account. The same holds
-- if its mail is withheld: otherwise repeated sign-ups would replace the codes that were sent.
CREATE OR REPLACE FUNCTION app.suspend_until_verified(p_code_id uuid, p_valid_seconds double precision, p_withheld boolean) RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  mine record;
  taken text;
BEGIN
  SELECT u.email, u.email_key INTO STRICT mine FROM app.user_private u WHERE u.user_id = app.viewer_id() AND u.pending_until IS NOT NULL;
  UPDATE app.user_private u SET pending_visibility = p.visibility FROM app.profiles p WHERE p.user_id = u.user_id AND u.user_id = app.viewer_id();
  UPDATE app.profiles SET visibility = 'PRIVATE' WHERE user_id = app.viewer_id();
  DELETE FROM app.sessions WHERE user_id = app.viewer_id();
  SELECT u.email INTO taken FROM app.user_private u WHERE u.email_key = mine.email_key AND u.pending_until IS NULL;
  PERFORM app.put_code(p_code_id, 'VERIFY_EMAIL', mine.email, mine.email_key, CASE WHEN taken IS NULL AND NOT p_withheld THEN app.viewer_id() END,
                       p_valid_seconds);
  RETURN taken;
END
$$;
