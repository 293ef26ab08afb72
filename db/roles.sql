-- Creates the roles of freehold. None is a superuser. Run it once per cluster, as a role with CREATEROLE; running it again changes
-- nothing. It sets no passwords: set those of freehold_owner, freehold_app and freehold_backup with ALTER ROLE.

DO $$
BEGIN
  -- Runs migrations. It owns the schema and the tables, and is subject to row-level security.
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'freehold_owner') THEN
    CREATE ROLE freehold_owner LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
  END IF;
  -- Owns the SECURITY DEFINER functions. It cannot log in.
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'freehold_definer') THEN
    CREATE ROLE freehold_definer NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
  END IF;
  -- Serves requests. It owns nothing.
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'freehold_app') THEN
    CREATE ROLE freehold_app LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
  END IF;
END
$$;

-- Dumps the database, and only reads. Row security hides no row from it. Only a superuser, or a role that has these privileges itself,
-- can create it. The service works without it.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'freehold_backup') THEN
    CREATE ROLE freehold_backup LOGIN NOSUPERUSER BYPASSRLS NOCREATEDB NOCREATEROLE IN ROLE pg_read_all_data;
  END IF;
EXCEPTION WHEN insufficient_privilege THEN
  RAISE WARNING 'freehold_backup was not created: %. To have backups by pg_dump, run this again as a superuser.', SQLERRM;
END
$$;

-- Lets migrations create functions as the definer.
GRANT freehold_definer TO freehold_owner;
