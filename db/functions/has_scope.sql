-- Executed by: freehold_app
-- Created: before the tables
-- Whether the viewer of this transaction has a scope, which app.claim_scopes has set. The function has no search_path of its
-- own, so that PostgreSQL inlines it into the policies.
CREATE OR REPLACE FUNCTION app.has_scope(p_scope text) RETURNS boolean
  LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT p_scope = ANY (string_to_array(NULLIF(current_setting('app.scopes', true), ''), ' ')) IS TRUE $$;
