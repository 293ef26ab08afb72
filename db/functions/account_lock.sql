-- Executed by: nobody
-- The advisory lock of an account. Every transaction that writes as its owner shares it; app.set_disabled has it alone.
CREATE OR REPLACE FUNCTION app.account_lock(p_user_id uuid) RETURNS bigint
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT uuid_hash_extended(p_user_id, 0) $$;
