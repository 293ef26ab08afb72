-- +goose Up

CREATE TABLE app.notes (
  id         uuid PRIMARY KEY,
  user_id    uuid NOT NULL REFERENCES app.users ON DELETE CASCADE,
  notebook_id uuid NOT NULL,
  body text NOT NULL,
  pinned boolean,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  -- A foreign key ignores row security. With user_id, a note cannot be in another user's notebook.
  FOREIGN KEY (notebook_id, user_id) REFERENCES app.notebooks (id, user_id) ON DELETE CASCADE
);
CREATE INDEX notes_user_id ON app.notes (user_id);
CREATE INDEX notes_notebook_id ON app.notes (notebook_id, created_at, id);
SELECT app.protect('notes', inserts => true, updates => '{body,pinned,updated_at}', deletes => true);
