-- The tables. app.protect (in ../functions) gives each one its row policies and the grants of freehold_app, which serves; the
-- grants of freehold_definer, which owns the functions, follow here. To lock a row, a role must be able to update something of it.

-- +goose Up

CREATE SCHEMA IF NOT EXISTS app;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
GRANT USAGE ON SCHEMA app TO freehold_app, freehold_definer;

-- An account. Everything that belongs to it refers to it, and is deleted with it.
CREATE TABLE app.users (
  id         uuid        PRIMARY KEY,
  created_at timestamptz NOT NULL DEFAULT now()
);
SELECT app.protect('users', sees => 'nobody');
GRANT SELECT, INSERT, DELETE ON app.users TO freehold_definer;

-- What only the owner knows of an account. A sign-up whose address must be verified first is an account that nobody can use, and
-- that is deleted after a while. Any number of them may have one address: otherwise a stranger who is first could keep the true
-- owner of the address out.
CREATE TABLE app.user_private (
  user_id            uuid        PRIMARY KEY REFERENCES app.users ON DELETE CASCADE,
  email              text        NOT NULL,
  email_key          text        NOT NULL, -- normalised
  email_verified_at  timestamptz,
  pending_until      timestamptz, -- the sign-up waits until then for its address to be verified; null if it does not wait
  pending_visibility text         -- of its profile, once it is verified
);
CREATE UNIQUE INDEX user_private_email_key ON app.user_private (email_key) WHERE pending_until IS NULL;
CREATE INDEX user_private_pending_email_key ON app.user_private (email_key) WHERE pending_until IS NOT NULL;
CREATE INDEX user_private_pending_until ON app.user_private (pending_until) WHERE pending_until IS NOT NULL;
SELECT app.protect('user_private');
GRANT SELECT, INSERT, UPDATE (email, email_key, email_verified_at, pending_until, pending_visibility) ON app.user_private TO freehold_definer;

CREATE TABLE app.credentials (
  user_id       uuid        PRIMARY KEY REFERENCES app.users ON DELETE CASCADE,
  password_hash text        NOT NULL, -- a PHC string; empty if there is no password
  disabled_at   timestamptz,
  updated_at    timestamptz NOT NULL DEFAULT now(),
  reset_at      timestamptz, -- when the address was last used to take the account over, and from where
  reset_ip      inet
);
SELECT app.protect('credentials', sees => 'nobody');
GRANT SELECT, INSERT, UPDATE (password_hash, updated_at, reset_at, reset_ip) ON app.credentials TO freehold_definer;

-- A profile, which its visibility shows to others. Its owner does not write the username, which app.change_username changes.
CREATE TABLE app.profiles (
  id           uuid        PRIMARY KEY,
  user_id      uuid        NOT NULL REFERENCES app.users ON DELETE CASCADE,
  username     text        NOT NULL,
  username_key text        NOT NULL, -- normalised
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
CREATE INDEX profiles_newest ON app.profiles (visibility, created_at, id); -- a page reads the rows that its viewer sees, see db.Listing
SELECT app.protect('profiles', sees => 'visibility', inserts => true,
                   updates => '{display_name,bio,avatar_url,website_url,location,visibility,updated_at}');
GRANT SELECT, UPDATE (username, username_key, visibility, updated_at) ON app.profiles TO freehold_definer;

-- What only the owner knows of a profile.
CREATE TABLE app.profile_private (
  user_id      uuid PRIMARY KEY REFERENCES app.users ON DELETE CASCADE,
  birthday     date,
  phone_number text
);
SELECT app.protect('profile_private', inserts => true, updates => '{birthday,phone_number}');

-- A session: a family of refresh tokens. Only functions write it: with a policy for that, owners could un-revoke or extend their
-- sessions. And its owner does not see the hashes.
CREATE TABLE app.sessions (
  id               uuid        PRIMARY KEY,
  user_id          uuid        NOT NULL REFERENCES app.users ON DELETE CASCADE,
  refresh_hash     bytea       NOT NULL, -- of the current refresh token
  previous_hash    bytea,                -- of the one before, which app.refresh_session accepts for a moment
  rotated_at       timestamptz,          -- when the current one took its place
  created_at       timestamptz NOT NULL DEFAULT now(),
  authenticated_at timestamptz NOT NULL DEFAULT now(), -- when its owner last entered the password
  last_used_at     timestamptz NOT NULL DEFAULT now(),
  idle_expires_at  timestamptz NOT NULL, -- unless it is refreshed
  expires_at       timestamptz NOT NULL,
  revoked_at       timestamptz,
  signed_out       boolean     NOT NULL DEFAULT false, -- its own client ended it, so that client stays known
  device           text, -- from where it was used last
  ip               inet
);
-- By when a session ends or has ended: an account has few live ones, and may have many others.
CREATE INDEX sessions_live ON app.sessions (user_id, LEAST(expires_at, idle_expires_at, revoked_at));
CREATE INDEX sessions_expires_at ON app.sessions (expires_at);
SELECT app.protect('sessions', reads => '{id,user_id,created_at,last_used_at,idle_expires_at,expires_at,revoked_at,device,ip}');
GRANT SELECT, INSERT, DELETE,
      UPDATE (refresh_hash, previous_hash, rotated_at, authenticated_at, last_used_at, idle_expires_at, revoked_at, signed_out, device, ip)
   ON app.sessions TO freehold_definer;

-- What has happened to an account, for its owner. An event without a user is a refusal of a sign-in without an account, which is
-- recorded so that it costs the same.
CREATE TABLE app.security_events (
  id         uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id    uuid        REFERENCES app.users ON DELETE CASCADE,
  kind       text        NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  device     text,
  ip         inet
);
CREATE INDEX security_events_newest ON app.security_events (user_id, created_at, id);
CREATE INDEX security_events_created_at ON app.security_events (created_at);
SELECT app.protect('security_events');
GRANT SELECT, INSERT, DELETE, UPDATE (kind) ON app.security_events TO freehold_definer;

-- A one-time code. Its id is an HMAC of the code, so that only somebody who knows the code can name it. One without an account (the
-- nil UUID) is what a request for an unknown address leaves, so that it takes the same time. There is no foreign key, which would be
-- looked up for the other codes only; app.delete_account deletes them.
CREATE TABLE app.codes (
  id         uuid        PRIMARY KEY,
  purpose    text        NOT NULL CHECK (purpose IN ('VERIFY_EMAIL', 'CHANGE_EMAIL', 'RESET_PASSWORD')),
  email      text        NOT NULL,
  email_key  text        NOT NULL, -- of the address that it was sent to
  user_id    uuid        NOT NULL,
  expires_at timestamptz NOT NULL,
  CONSTRAINT codes_newest UNIQUE (email_key, purpose, user_id)
);
CREATE INDEX codes_user_id ON app.codes (user_id);
CREATE INDEX codes_expires_at ON app.codes (expires_at);
SELECT app.protect('codes', sees => 'nobody');
GRANT SELECT, INSERT, DELETE, UPDATE (id, email, expires_at) ON app.codes TO freehold_definer;

-- A username that was given up, and that only the user who gave it up may take for a while.
CREATE TABLE app.held_usernames (
  username_key text        PRIMARY KEY,
  user_id      uuid        REFERENCES app.users ON DELETE SET NULL, -- null if nobody may take it
  held_until   timestamptz NOT NULL
);
CREATE INDEX held_usernames_user_id ON app.held_usernames (user_id);
CREATE INDEX held_usernames_held_until ON app.held_usernames (held_until);
SELECT app.protect('held_usernames', sees => 'nobody');
GRANT SELECT, INSERT, DELETE, UPDATE (user_id, held_until) ON app.held_usernames TO freehold_definer;

-- The key with which a client signed up an account, so that a retry finds the account, and a fingerprint of the other values, so
-- that a key that returns with other values is refused.
CREATE TABLE app.sign_up_keys (
  key_hash    bytea       PRIMARY KEY,
  user_id     uuid        NOT NULL REFERENCES app.users ON DELETE CASCADE,
  fingerprint bytea       NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX sign_up_keys_user_id ON app.sign_up_keys (user_id);
CREATE INDEX sign_up_keys_created_at ON app.sign_up_keys (created_at);
SELECT app.protect('sign_up_keys', sees => 'nobody');
GRANT SELECT, INSERT, DELETE, UPDATE (created_at) ON app.sign_up_keys TO freehold_definer;

-- How often something happened in the current window, by bucket; all instances share these counts.
CREATE TABLE app.rate_limits (
  bucket  text        PRIMARY KEY,
  hits    integer     NOT NULL,
  ends_at timestamptz NOT NULL
);
CREATE INDEX rate_limits_ends_at ON app.rate_limits (ends_at);
SELECT app.protect('rate_limits', sees => 'nobody');
GRANT SELECT, INSERT, UPDATE, DELETE ON app.rate_limits TO freehold_definer;

-- A mail to be sent, written in the transaction that is its reason, so that there is neither without the other. It holds no secret:
-- the one-time code in it is derived from its id when it is sent.
CREATE TABLE app.outbox (
  id              uuid        PRIMARY KEY, -- also in the mail's Message-ID, by which duplicates are recognised
  kind            text        NOT NULL CHECK (length(kind) BETWEEN 1 AND 64),
  user_id         uuid        REFERENCES app.users ON DELETE CASCADE, -- whose deletion deletes the mail; null if it stays
  recipient       text        NOT NULL CHECK (length(recipient) BETWEEN 1 AND 254),
  code_id         uuid,
  data            jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(data) = 'object' AND length(data::text) <= 4000),
  created_at      timestamptz NOT NULL DEFAULT now(),
  expires_at      timestamptz, -- of the code: a later mail would be of no use
  attempts        integer     NOT NULL DEFAULT 0, -- begun; also says whose claim it is
  next_attempt_at timestamptz NOT NULL DEFAULT now(), -- while it is claimed: the end of the lease
  sent_at         timestamptz,
  parked_at       timestamptz, -- given up
  last_error      text        CHECK (length(last_error) <= 100), -- the kind of failure
  CONSTRAINT outbox_code_expires CHECK (code_id IS NULL OR expires_at IS NOT NULL)
);
CREATE INDEX outbox_user_id ON app.outbox (user_id);
CREATE INDEX outbox_created_at ON app.outbox (created_at);
CREATE INDEX outbox_waiting ON app.outbox (next_attempt_at) WHERE sent_at IS NULL AND parked_at IS NULL;
CREATE INDEX outbox_code_id ON app.outbox (code_id) WHERE sent_at IS NULL AND parked_at IS NULL;
SELECT app.protect('outbox', sees => 'nobody');
GRANT SELECT, INSERT, DELETE, UPDATE (attempts, next_attempt_at, sent_at, parked_at, last_error) ON app.outbox TO freehold_definer;
