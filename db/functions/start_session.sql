-- Executed by: nobody
-- Writes a session of a user, with its lifetimes in seconds and the client that started it.
CREATE OR REPLACE FUNCTION app.start_session(p_user_id uuid, p_session_id uuid, p_refresh_hash bytea, p_idle_seconds integer, p_seconds integer)
  RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  INSERT INTO app.sessions (id, user_id, refresh_hash, idle_expires_at, expires_at, device, ip)
  VALUES (p_session_id, p_user_id, p_refresh_hash, now() + make_interval(secs => p_idle_seconds), now() + make_interval(secs => p_seconds),
          app.client_device(), app.client_ip())
$$;
