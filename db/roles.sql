-- Creates the three roles of freehold. None is a superuser. Run it once per cluster, as a role with CREATEROLE; running it again
-- changes nothing. It sets no passwords: set those of freehold_owner and freehold_app with ALTER ROLE.

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

-- Lets migrations create functions as the definer.
GRANT freehold_definer TO freehold_owner;
