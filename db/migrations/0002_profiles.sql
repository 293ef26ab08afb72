-- Profiles: what a visibility decides about (profiles) and what is the owner's alone (profile_private).

-- +goose Up

CREATE TABLE app.profiles (
  id           uuid        PRIMARY KEY,
  user_id      uuid        NOT NULL REFERENCES app.users ON DELETE CASCADE,
  username     text        NOT NULL,
  username_key text        NOT NULL,
  display_name text,
  bio          text,
  avatar_url   text,
  website_url  text,
  location     text,
  visibility   text        NOT NULL CHECK (visibility IN ('PRIVATE', 'MEMBERS', 'PUBLIC')),
  created_at   timestamptz NOT NULL DEFAULT now(),
  updated_at   timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT profiles_user_id UNIQUE (user_id),
  CONSTRAINT profiles_username_key UNIQUE (username_key)
);
CREATE INDEX profiles_newest ON app.profiles (created_at, id);
ALTER TABLE app.profiles ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.profiles FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT ON app.profiles TO freehold_app;
GRANT UPDATE (display_name, bio, avatar_url, website_url, location, visibility, updated_at) ON app.profiles TO freehold_app;
GRANT SELECT ON app.profiles TO freehold_definer;
CREATE POLICY profiles_owner ON app.profiles TO freehold_owner USING (true) WITH CHECK (true);
CREATE POLICY profiles_definer ON app.profiles TO freehold_definer USING (true) WITH CHECK (true);
CREATE POLICY profiles_select ON app.profiles FOR SELECT TO freehold_app
  USING (visibility = 'PUBLIC' OR user_id = app.viewer_id() OR (visibility = 'MEMBERS' AND app.viewer_id() IS NOT NULL));
CREATE POLICY profiles_insert ON app.profiles FOR INSERT TO freehold_app
  WITH CHECK (user_id = app.viewer_id());
CREATE POLICY profiles_update ON app.profiles FOR UPDATE TO freehold_app
  USING (user_id = app.viewer_id()) WITH CHECK (user_id = app.viewer_id());

CREATE TABLE app.profile_private (
  user_id      uuid PRIMARY KEY REFERENCES app.users ON DELETE CASCADE,
  birthday     date,
  phone_number text
);
ALTER TABLE app.profile_private ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.profile_private FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT ON app.profile_private TO freehold_app;
GRANT UPDATE (birthday, phone_number) ON app.profile_private TO freehold_app;
CREATE POLICY profile_private_owner ON app.profile_private TO freehold_owner USING (true) WITH CHECK (true);
CREATE POLICY profile_private_select ON app.profile_private FOR SELECT TO freehold_app
  USING (user_id = app.viewer_id());
CREATE POLICY profile_private_insert ON app.profile_private FOR INSERT TO freehold_app
  WITH CHECK (user_id = app.viewer_id());
CREATE POLICY profile_private_update ON app.profile_private FOR UPDATE TO freehold_app
  USING (user_id = app.viewer_id()) WITH CHECK (user_id = app.viewer_id());

-- Whether the viewer sees a user: whoever sees its profile does. Runs as the caller, so the profile's policy decides.
-- +goose StatementBegin
CREATE FUNCTION app.sees_user(id uuid) RETURNS boolean
  LANGUAGE plpgsql STABLE PARALLEL SAFE
  AS $$
BEGIN
  RETURN EXISTS (SELECT FROM app.profiles p WHERE p.user_id = sees_user.id);
END
$$;
-- +goose StatementEnd
GRANT EXECUTE ON FUNCTION app.sees_user(uuid) TO freehold_app;
CREATE POLICY users_select ON app.users FOR SELECT TO freehold_app
  USING (app.sees_user(id));
