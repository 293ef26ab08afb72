-- Executed by: freehold_app
-- Created: before the tables
-- The viewer of this transaction; NULL if they are anonymous. After a transaction the setting is '', not NULL. The function
-- has no search_path of its own, so that PostgreSQL inlines it into the policies.
CREATE OR REPLACE FUNCTION app.viewer_id() RETURNS uuid
  LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT NULLIF(current_setting('app.viewer_id', true), '')::uuid $$;
