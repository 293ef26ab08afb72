-- Executed by: nobody
-- Records a security event for an account, or for no account.
CREATE OR REPLACE FUNCTION app.record_event(p_user_id uuid, p_kind text) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  INSERT INTO app.security_events (user_id, kind, device, ip) VALUES (p_user_id, p_kind, app.client_device(), app.client_ip())
$$;
