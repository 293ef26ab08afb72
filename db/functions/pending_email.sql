-- Executed by: freehold_app
-- The new address of an unconfirmed change of e-mail; NULL if there is none, or if the user is not the viewer.
CREATE OR REPLACE FUNCTION app.pending_email(p_user_id uuid) RETURNS text
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT k.email FROM app.codes k
   WHERE k.user_id = p_user_id AND p_user_id = app.viewer_id() AND k.purpose = 'CHANGE_EMAIL' AND k.expires_at > clock_timestamp()
   ORDER BY k.expires_at DESC
   LIMIT 1
$$;
