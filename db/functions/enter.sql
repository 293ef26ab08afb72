-- Executed by: freehold_app
-- Calls app.enter_session in a transaction that already knows its client, and that has locked the account or created it.
CREATE OR REPLACE FUNCTION app.enter(p_session_id uuid, p_timeout_ms integer) RETURNS uuid
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT app.enter_session(p_session_id, p_timeout_ms::text, p_timeout_ms::text, current_setting('app.client_ip', true),
                           current_setting('app.client_device', true), NULL)
$$;
