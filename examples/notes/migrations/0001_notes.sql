-- Notes: an adopter's owned type. Their numbers are apart from those of freehold's migrations.

-- +goose Up

CREATE TABLE app.notes (
  id      uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES app.users ON DELETE CASCADE,
  body    text NOT NULL
);
CREATE INDEX notes_user_id ON app.notes (user_id);
SELECT app.protect('notes', inserts => true, updates => '{body}', deletes => true);
