-- The three roles of freehold, none of them a superuser. Run once per cluster by a role that may create roles; running
-- it again changes nothing. It sets no passwords: give freehold_owner and freehold_app theirs with ALTER ROLE.

DO $$
BEGIN
  -- Migrates: owns the schema and the tables, and is subject to row security like everybody else.
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'freehold_owner') THEN
    CREATE ROLE freehold_owner LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
  END IF;
  -- Owns the few SECURITY DEFINER functions. Nobody signs in as it.
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'freehold_definer') THEN
    CREATE ROLE freehold_definer NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
  END IF;
  -- Serves: owns nothing.
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'freehold_app') THEN
    CREATE ROLE freehold_app LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
  END IF;
END
$$;

-- So that migrations can hand functions over to the definer.
GRANT freehold_definer TO freehold_owner;
