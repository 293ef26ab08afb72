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
SELECT app.protect('notebooks', sees => 'visibility', inserts => true, updates => '{title,visibility,updated_at}', deletes => true,
                   relation => 'app.notebook_relation(id)', relations => '{EDITOR,MEMBER}', updates_as => 'EDITOR', owner_updates => '{visibility}');
GRANT SELECT, UPDATE (user_id) ON app.notebooks TO freehold_definer;

-- The users with whom notebooks are shared. Only functions write them.
CREATE TABLE app.notebook_members (
  id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  notebook_id uuid NOT NULL REFERENCES app.notebooks ON DELETE CASCADE,
  user_id     uuid NOT NULL REFERENCES app.users ON DELETE CASCADE,
  role        text NOT NULL CHECK (role IN ('EDITOR', 'MEMBER')),
  created_at  timestamptz NOT NULL DEFAULT now(),
  UNIQUE (user_id, notebook_id)
);
CREATE INDEX notebook_members_notebook_id ON app.notebook_members (notebook_id, created_at, id);
SELECT app.protect('notebook_members', sees => 'relation', relation => 'app.notebook_relation(notebook_id)', relations => '{EDITOR,MEMBER}');
GRANT SELECT, INSERT, DELETE, UPDATE (role) ON app.notebook_members TO freehold_definer;

-- Invitations that nobody has accepted. Only the owner of the notebook sees them, and nobody the hashes of their secrets.
CREATE TABLE app.notebook_invitations (
  id          uuid PRIMARY KEY,
  notebook_id uuid NOT NULL REFERENCES app.notebooks ON DELETE CASCADE,
  user_id     uuid NOT NULL REFERENCES app.users ON DELETE CASCADE, -- who invites
  role        text NOT NULL CHECK (role IN ('EDITOR', 'MEMBER')),
  email       text, -- NULL for an invitation by link
  secret_hash bytea NOT NULL UNIQUE,
  expires_at  timestamptz NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX notebook_invitations_notebook_id ON app.notebook_invitations (notebook_id, created_at, id);
CREATE INDEX notebook_invitations_user_id ON app.notebook_invitations (user_id);
SELECT app.protect('notebook_invitations', owner => NULL, relation => 'app.notebook_relation(notebook_id)',
                   reads => '{id,notebook_id,user_id,role,email,expires_at,created_at}');
GRANT SELECT, INSERT, DELETE ON app.notebook_invitations TO freehold_definer;
