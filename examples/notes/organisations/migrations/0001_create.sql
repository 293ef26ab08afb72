-- +goose Up

CREATE TABLE app.organisations (
  id         uuid PRIMARY KEY,
  user_id    uuid NOT NULL REFERENCES app.users ON DELETE CASCADE,
  parent_id  uuid, -- of the organisation that it is a part of
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (id, user_id),
  FOREIGN KEY (parent_id, user_id) REFERENCES app.organisations (id, user_id) ON DELETE CASCADE
);
CREATE INDEX organisations_user_id ON app.organisations (user_id, created_at, id);
CREATE INDEX organisations_parent_id ON app.organisations (parent_id, user_id);
SELECT app.protect('organisations', sees => 'relation', inserts => true, updates => '{name,parent_id,updated_at}', deletes => true,
                   relation => 'app.organisation_relation(id)', relations => '{ADMIN,MEMBER}', updates_as => 'ADMIN', owner_updates => '{parent_id}',
                   sees_scopes => '{organisations:moderate}', deletes_scopes => '{organisations:moderate}');
GRANT SELECT ON app.organisations TO freehold_definer;
CREATE TRIGGER organisations_cycle BEFORE UPDATE OF parent_id ON app.organisations FOR EACH ROW EXECUTE FUNCTION app.refuse_organisation_cycle();

-- The members of organisations. The row policies decide about everything, so admins write them without a function.
CREATE TABLE app.organisation_members (
  id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  organisation_id uuid NOT NULL REFERENCES app.organisations ON DELETE CASCADE,
  user_id         uuid NOT NULL REFERENCES app.users ON DELETE CASCADE,
  role            text NOT NULL CHECK (role IN ('ADMIN', 'MEMBER')),
  created_at      timestamptz NOT NULL DEFAULT now(),
  UNIQUE (user_id, organisation_id)
);
CREATE INDEX organisation_members_organisation_id ON app.organisation_members (organisation_id, created_at, id);
SELECT app.protect('organisation_members', owner => NULL, sees => 'relation', inserts => true, updates => '{role}', deletes => true,
                   relation => 'app.organisation_relation(organisation_id)', relations => '{ADMIN,MEMBER}',
                   inserts_as => 'ADMIN', updates_as => 'ADMIN', deletes_as => 'ADMIN');
GRANT SELECT, DELETE ON app.organisation_members TO freehold_definer;
