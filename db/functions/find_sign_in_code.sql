-- Executed by: freehold_app
-- The code of an address that has one of these ids (one for each of the server's keys) and has not expired, with the account that
-- has the address now, NULL for none, and the form of a sign-up, if the client sent one with its request.
CREATE OR REPLACE FUNCTION app.find_sign_in_code(p_email_key text, p_ids uuid[]) RETURNS TABLE (id uuid, email text, user_id uuid, form jsonb)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT k.id, k.email, u.user_id, k.data
    FROM app.codes k LEFT JOIN app.user_private u ON u.email_key = k.email_key AND u.pending_until IS NULL
   WHERE k.id = ANY (p_ids) AND k.email_key = p_email_key AND k.purpose = 'SIGN_IN' AND k.expires_at > clock_timestamp()
     AND (k.user_id = '00000000-0000-0000-0000-000000000000' OR k.user_id = u.user_id)
   LIMIT 1
$$;
