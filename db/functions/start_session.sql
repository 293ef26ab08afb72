-- Executed by: nobody
-- Writes a session of a user, with its lifetimes in seconds, the client that started it, how its owner has signed in (RFC 8176),
-- whether that was with two factors, and the credential that was used, if it is known.
CREATE OR REPLACE FUNCTION app.start_session(p_user_id uuid, p_session_id uuid, p_refresh_hash bytea, p_idle_seconds integer, p_seconds integer,
                                             p_amr text[], p_strong boolean, p_credential_id uuid)
  RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  INSERT INTO app.sessions (id, user_id, refresh_hash, idle_expires_at, expires_at, device, ip, amr, second_factor_at, credential_id)
  VALUES (p_session_id, p_user_id, p_refresh_hash, now() + make_interval(secs => p_idle_seconds), now() + make_interval(secs => p_seconds),
          app.client_device(), app.client_ip(), COALESCE(p_amr, '{}'), CASE WHEN p_strong THEN now() END, p_credential_id);
  UPDATE app.credentials k SET last_used_at = clock_timestamp() WHERE k.id = p_credential_id
$$;
