-- +goose Up

-- A comment has no owner column: the owner of its note owns it.
CREATE TABLE app.comments (
  id         uuid PRIMARY KEY,
  note_id    uuid NOT NULL REFERENCES app.notes ON DELETE CASCADE,
  author_id  uuid REFERENCES app.users ON DELETE SET NULL,
  body text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX comments_note_id ON app.comments (note_id, created_at, id);
CREATE INDEX comments_author_id ON app.comments (author_id);
SELECT app.protect('comments', owner => NULL, sees => 'relation', inserts => true, deletes => true,
                   relation => 'app.note_relation(note_id)', relations => '{EDITOR,MEMBER}', inserts_as => 'MEMBER', deletes_as => 'EDITOR');
