-- Executed by: nobody
-- The state of an account, from two of its columns.
CREATE OR REPLACE FUNCTION app.account_state(p_disabled_at timestamptz, p_pending_until timestamptz) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT CASE WHEN p_disabled_at IS NOT NULL THEN 'DISABLED' WHEN p_pending_until IS NOT NULL THEN 'PENDING' ELSE 'ACTIVE' END $$;
