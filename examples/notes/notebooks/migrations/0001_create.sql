-- +goose Up

CREATE TABLE app.notebooks (
  id         uuid PRIMARY KEY,
  user_id    uuid NOT NULL REFERENCES app.users ON DELETE CASCADE,
  title text NOT NULL,
  visibility text NOT NULL CHECK (visibility IN ('PRIVATE', 'MEMBERS', 'PUBLIC')),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (id, user_id) -- for foreign keys that keep rows within one account
);
CREATE INDEX notebooks_user_id_visibility ON app.notebooks (user_id, visibility, created_at, id);
CREATE INDEX notebooks_visibility ON app.notebooks (visibility, created_at, id);
SELECT app.protect('notebooks', sees => 'visibility', inserts => true, updates => '{title,visibility,updated_at}', deletes => true);
