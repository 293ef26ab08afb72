-- Executed by: freehold_app
-- The code of an address that has one of these ids (one for each of the server's keys) and has not expired. The names are
-- those of its account.
CREATE OR REPLACE FUNCTION app.find_code(p_purpose text, p_email_key text, p_ids uuid[])
  RETURNS TABLE (id uuid, user_id uuid, email text, username text, display_name text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT k.id, k.user_id, k.email, p.username, p.display_name
    FROM app.codes k JOIN app.profiles p ON p.user_id = k.user_id
   WHERE k.id = ANY (p_ids) AND k.email_key = p_email_key AND k.purpose = p_purpose AND k.expires_at > clock_timestamp()
   LIMIT 1
$$;
