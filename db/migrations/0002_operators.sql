-- Operators: which accounts have which scopes, what is hidden while an account is disabled, and who changed an account.

-- Serves builds from: 1
-- +goose Up

-- The scopes that let an account administer others. Only the command line writes them.
CREATE TABLE app.scope_grants (
  user_id    uuid        NOT NULL REFERENCES app.users ON DELETE CASCADE,
  scope      text        NOT NULL,
  granted_at timestamptz NOT NULL DEFAULT now(),
  granted_by text        NOT NULL, -- who ran the command
  PRIMARY KEY (user_id, scope)
);
SELECT app.protect('scope_grants', sees => 'nobody');
GRANT SELECT, INSERT, DELETE, UPDATE (granted_at) ON app.scope_grants TO freehold_definer;

-- The visibility that the rows of a disabled account had, in every table in which rows have one.
CREATE TABLE app.hidden_rows (
  user_id    uuid  NOT NULL REFERENCES app.users ON DELETE CASCADE,
  table_name name  NOT NULL,
  row_key    jsonb NOT NULL, -- the values of the primary key
  visibility text  NOT NULL,
  PRIMARY KEY (user_id, table_name, row_key)
);
SELECT app.protect('hidden_rows', sees => 'nobody');
GRANT SELECT, INSERT, DELETE ON app.hidden_rows TO freehold_definer;
GRANT UPDATE (disabled_at) ON app.credentials TO freehold_definer;

-- Who caused an event, if it was not a client of the account: the username of an operator, or the command line. There is no
-- foreign key, so that the event outlives the operator's account.
ALTER TABLE app.security_events ADD COLUMN operator text, ADD COLUMN operator_id uuid;

-- For lists of accounts.
CREATE INDEX users_newest ON app.users (created_at, id);
CREATE INDEX credentials_disabled ON app.credentials (user_id) WHERE disabled_at IS NOT NULL;
