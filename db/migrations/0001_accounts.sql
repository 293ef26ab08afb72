-- Accounts: what others may know of one (users), what is the owner's alone (user_private), and what nobody but the
-- definer functions may touch (credentials).

-- +goose Up

CREATE SCHEMA IF NOT EXISTS app;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
GRANT USAGE ON SCHEMA app TO freehold_app, freehold_definer;

-- Who is asking, or NULL. After a transaction the setting is '', not NULL.
-- +goose StatementBegin
CREATE FUNCTION app.viewer_id() RETURNS uuid
  LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT NULLIF(current_setting('app.viewer_id', true), '')::uuid $$;
-- +goose StatementEnd
GRANT EXECUTE ON FUNCTION app.viewer_id() TO freehold_app, freehold_definer, freehold_owner;

CREATE TABLE app.users (
  id         uuid        PRIMARY KEY,
  created_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE app.users ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.users FORCE ROW LEVEL SECURITY;
GRANT SELECT ON app.users TO freehold_app;
GRANT SELECT, INSERT ON app.users TO freehold_definer;
CREATE POLICY users_owner ON app.users TO freehold_owner USING (true) WITH CHECK (true);
CREATE POLICY users_definer ON app.users TO freehold_definer USING (true) WITH CHECK (true);

CREATE TABLE app.user_private (
  user_id           uuid        PRIMARY KEY REFERENCES app.users ON DELETE CASCADE,
  email             text        NOT NULL,
  email_key         text        NOT NULL,
  email_verified_at timestamptz,
  CONSTRAINT user_private_email_key UNIQUE (email_key)
);
ALTER TABLE app.user_private ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.user_private FORCE ROW LEVEL SECURITY;
GRANT SELECT ON app.user_private TO freehold_app;
GRANT SELECT, INSERT ON app.user_private TO freehold_definer;
CREATE POLICY user_private_owner ON app.user_private TO freehold_owner USING (true) WITH CHECK (true);
CREATE POLICY user_private_definer ON app.user_private TO freehold_definer USING (true) WITH CHECK (true);
CREATE POLICY user_private_select ON app.user_private FOR SELECT TO freehold_app
  USING (user_id = app.viewer_id());

CREATE TABLE app.credentials (
  user_id       uuid        PRIMARY KEY REFERENCES app.users ON DELETE CASCADE,
  password_hash text        NOT NULL,
  disabled_at   timestamptz,
  updated_at    timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE app.credentials ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.credentials FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE (password_hash, updated_at) ON app.credentials TO freehold_definer;
CREATE POLICY credentials_owner ON app.credentials TO freehold_owner USING (true) WITH CHECK (true);
CREATE POLICY credentials_definer ON app.credentials TO freehold_definer USING (true) WITH CHECK (true);
