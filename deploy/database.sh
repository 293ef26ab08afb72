#!/bin/sh
# Sets the passwords of freehold's roles and creates its database. PostgreSQL's image runs it once, after db/roles.sql.
set -eu
psql -v ON_ERROR_STOP=1 --username=postgres --dbname=postgres --quiet -v owner="$OWNER_PASSWORD" -v app="$APP_PASSWORD" <<'SQL'
ALTER ROLE freehold_owner PASSWORD :'owner';
ALTER ROLE freehold_app PASSWORD :'app';
CREATE DATABASE freehold OWNER freehold_owner;
REVOKE ALL ON DATABASE freehold FROM PUBLIC;
GRANT CONNECT ON DATABASE freehold TO freehold_app, freehold_backup;
SQL
