-- +goose Up

CREATE TABLE app.notes (
  id         uuid PRIMARY KEY,
  user_id    uuid NOT NULL REFERENCES app.users ON DELETE CASCADE, -- the owner of the notebook
  author_id  uuid REFERENCES app.users ON DELETE SET NULL,
  notebook_id uuid NOT NULL,
  body text NOT NULL,
  pinned boolean,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  -- A foreign key ignores row security. With user_id, the owner of a note is that of its notebook, also after a transfer.
  FOREIGN KEY (notebook_id, user_id) REFERENCES app.notebooks (id, user_id) ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE INDEX notes_user_id ON app.notes (user_id);
CREATE INDEX notes_author_id ON app.notes (author_id);
CREATE INDEX notes_notebook_id ON app.notes (notebook_id, created_at, id);
SELECT app.protect('notes', sees => 'relation', inserts => true, updates => '{body,pinned,updated_at}', deletes => true,
                   relation => 'app.notebook_relation(notebook_id)', relations => '{EDITOR,MEMBER}',
                   inserts_as => 'EDITOR', updates_as => 'EDITOR', deletes_as => 'EDITOR');
GRANT SELECT ON app.notes TO freehold_definer;
