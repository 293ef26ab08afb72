-- Executed by: freehold_owner
-- Created: before the tables
-- Raises an error if app.protect with these scopes would admit nobody, or let viewers write rows that they do not see. The hint of
-- the error says what to write in the migration.
CREATE OR REPLACE FUNCTION app.check_scopes(table_name text, sees text, updates text[], deletes boolean,
                                            sees_scopes text[], updates_scopes text[], deletes_scopes text[])
  RETURNS void
  LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  wrong text;
BEGIN
  SELECT COALESCE(s, 'NULL') INTO wrong FROM unnest(sees_scopes || updates_scopes || deletes_scopes) s WHERE s IS NULL OR s !~ '^[a-z][a-z0-9._-]*(:[a-z0-9._-]+)*$';
  IF FOUND OR num_nulls(sees_scopes, updates_scopes, deletes_scopes) > 0 THEN
    RAISE EXCEPTION 'app.protect: % has an invalid scope: %', table_name, COALESCE(wrong, 'NULL')
      USING HINT = 'Write sees_scopes => ''{notes:read}'', with a-z, 0-9, hyphens, dots, underscores and colons, or leave the scopes out.';
  ELSIF sees = 'nobody' AND sees_scopes || updates_scopes || deletes_scopes <> '{}' THEN
    RAISE EXCEPTION 'app.protect: no viewer sees %, so it cannot have scopes', table_name
      USING HINT = 'Write sees => ''owner'', or leave out sees_scopes, updates_scopes and deletes_scopes.';
  ELSIF updates = '{}' AND updates_scopes <> '{}' OR NOT deletes AND deletes_scopes <> '{}' THEN
    RAISE EXCEPTION 'app.protect: % has scopes for a command that no viewer may use', table_name
      USING HINT = 'Write updates => ''{title,…}'' with updates_scopes, and deletes => true with deletes_scopes.';
  END IF;
  SELECT s INTO wrong FROM unnest(updates_scopes || deletes_scopes) s WHERE sees <> 'visibility' AND s <> ALL (sees_scopes);
  IF FOUND THEN
    RAISE EXCEPTION 'app.protect: a viewer with the scope % may write rows of % that they do not see', wrong, table_name
      USING HINT = format('Write sees_scopes => ''{%s}''. PostgreSQL changes only rows that the viewer sees.', wrong);
  END IF;
END
$$;
