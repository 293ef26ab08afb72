-- The tables of a database of a second subgraph, which has no accounts. app.protect (in ../functions) creates their row policies. Those
-- functions of ../functions that need no accounts are in this database too: see sharedFunctions in ../subgraph.go.

-- +goose Up

CREATE SCHEMA IF NOT EXISTS app;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
GRANT USAGE ON SCHEMA app TO freehold_app, freehold_definer;

-- The users who have written here. The service that issues the tokens has their accounts. Everything that belongs to a user refers to
-- this table, and is deleted with its row.
CREATE TABLE app.users (
  id         uuid        PRIMARY KEY,
  created_at timestamptz NOT NULL DEFAULT now()
);
SELECT app.protect('users', sees => 'nobody');
GRANT SELECT, INSERT, DELETE ON app.users TO freehold_definer;

-- The users whose rows were deleted. Their tokens stay valid for a while, but write nothing more.
CREATE TABLE app.forgotten_users (
  user_id      uuid        PRIMARY KEY,
  forgotten_at timestamptz NOT NULL
);
SELECT app.protect('forgotten_users', sees => 'nobody');
GRANT SELECT, INSERT, DELETE, UPDATE (forgotten_at) ON app.forgotten_users TO freehold_definer;

-- How often something has happened, by what is limited.
CREATE TABLE app.rate_limits (
  bucket  text        PRIMARY KEY,
  hits    integer     NOT NULL,
  ends_at timestamptz NOT NULL
);
CREATE INDEX rate_limits_ends_at ON app.rate_limits (ends_at);
SELECT app.protect('rate_limits', sees => 'nobody');
GRANT SELECT, INSERT, UPDATE, DELETE ON app.rate_limits TO freehold_definer;
