-- Executed by: freehold_app
-- Whether the clients in a block of IP addresses are known to an account. They are if a session was started there since the last
-- reset of the account and was not revoked, except by signing out, or if the reset came from there.
CREATE OR REPLACE FUNCTION app.knows_client(p_user_id uuid, p_block text) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT EXISTS (SELECT FROM app.accounts c
                  WHERE c.user_id = p_user_id
                    AND (c.reset_ip <<= NULLIF(p_block, '')::inet
                         OR EXISTS (SELECT FROM app.sessions s
                                     WHERE s.user_id = p_user_id AND s.ip <<= NULLIF(p_block, '')::inet
                                       AND (s.revoked_at IS NULL OR s.signed_out)
                                       AND s.created_at >= COALESCE(c.reset_at, '-infinity'))))
$$;
