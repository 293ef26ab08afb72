-- The notes of an adopter. The migrations of a module have their own numbers, independent of freehold's.

-- +goose Up

CREATE TABLE app.notes (
  id      uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES app.users ON DELETE CASCADE,
  body    text NOT NULL
);
CREATE INDEX notes_user_id ON app.notes (user_id);
SELECT app.protect('notes', inserts => true, updates => '{body}', deletes => true);
