-- Executed by: freehold_app
-- Whether the clients in a block of IP addresses are known to an account. They are if a session was started there since the last
-- reset of the account and was not revoked, except by signing out, or if the reset came from there.
CREATE OR REPLACE FUNCTION app.is_known_client(p_email_key text, p_block text) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT EXISTS (SELECT FROM app.user_private u JOIN app.accounts c ON c.user_id = u.user_id
                  WHERE u.email_key = p_email_key AND u.pending_until IS NULL
                    AND (c.reset_ip <<= NULLIF(p_block, '')::inet
                         OR EXISTS (SELECT FROM app.sessions s
                                     WHERE s.user_id = u.user_id AND s.ip <<= NULLIF(p_block, '')::inet
                                       AND (s.revoked_at IS NULL OR s.signed_out)
                                       AND s.created_at >= COALESCE(c.reset_at, '-infinity'))))
$$;
