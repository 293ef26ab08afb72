-- Notes: an adopter's owned type. Numbers of their own keep these migrations apart from freehold's.

-- +goose Up

CREATE TABLE app.notes (
  id      uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES app.users ON DELETE CASCADE,
  body    text NOT NULL
);
CREATE INDEX notes_user_id ON app.notes (user_id);
ALTER TABLE app.notes ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.notes FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, DELETE ON app.notes TO freehold_app;
GRANT UPDATE (body) ON app.notes TO freehold_app;
CREATE POLICY notes_owner ON app.notes TO freehold_owner USING (true) WITH CHECK (true);
CREATE POLICY notes_select ON app.notes FOR SELECT TO freehold_app USING (user_id = app.viewer_id());
CREATE POLICY notes_insert ON app.notes FOR INSERT TO freehold_app WITH CHECK (user_id = app.viewer_id());
CREATE POLICY notes_update ON app.notes FOR UPDATE TO freehold_app USING (user_id = app.viewer_id()) WITH CHECK (user_id = app.viewer_id());
CREATE POLICY notes_delete ON app.notes FOR DELETE TO freehold_app USING (user_id = app.viewer_id());
