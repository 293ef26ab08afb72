-- The tables. app.protect (in ../functions) creates the row policies of each one and the grants of freehold_app, which serves
-- requests. The grants of freehold_definer, which owns the functions, are here. To lock a row, a role needs UPDATE on a column.

-- +goose Up

CREATE SCHEMA IF NOT EXISTS app;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
GRANT USAGE ON SCHEMA app TO freehold_app, freehold_definer;

-- Accounts. Everything that belongs to an account refers to it, and is deleted with it.
CREATE TABLE app.users (
  id         uuid        PRIMARY KEY,
  created_at timestamptz NOT NULL DEFAULT now()
);
SELECT app.protect('users', sees => 'nobody');
GRANT SELECT, INSERT, DELETE ON app.users TO freehold_definer;

-- The private values of an account. A pending sign-up is an account that cannot be used until its address is verified, and that is
-- deleted after some time. Any number of them may have the same address: otherwise a stranger could sign up first and lock out the
-- owner of the address.
CREATE TABLE app.user_private (
  user_id            uuid        PRIMARY KEY REFERENCES app.users ON DELETE CASCADE,
  email              text        NOT NULL,
  email_key          text        NOT NULL, -- normalised
  email_verified_at  timestamptz,
  pending_until      timestamptz, -- until when the sign-up waits for its address to be verified; null if it is not pending
  pending_visibility text         -- of its profile, after the verification
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
  reset_at      timestamptz, -- when and from where the address was last used to reset access to the account
  reset_ip      inet
);
SELECT app.protect('credentials', sees => 'nobody');
GRANT SELECT, INSERT, UPDATE (password_hash, updated_at, reset_at, reset_ip) ON app.credentials TO freehold_definer;

-- Profiles, which other viewers see according to the visibility. Only app.change_username writes the username.
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
CREATE INDEX profiles_newest ON app.profiles (visibility, created_at, id); -- for pages, see db.Listing
SELECT app.protect('profiles', sees => 'visibility', inserts => true,
                   updates => '{display_name,bio,avatar_url,website_url,location,visibility,updated_at}');
GRANT SELECT, UPDATE (username, username_key, visibility, updated_at) ON app.profiles TO freehold_definer;

-- The private values of a profile.
CREATE TABLE app.profile_private (
  user_id      uuid PRIMARY KEY REFERENCES app.users ON DELETE CASCADE,
  birthday     date,
  phone_number text
);
SELECT app.protect('profile_private', inserts => true, updates => '{birthday,phone_number}');

-- Sessions: each is a family of refresh tokens. Only functions write them: with a policy for UPDATE, owners could un-revoke or extend
-- their sessions. Owners do not see the hashes.
CREATE TABLE app.sessions (
  id               uuid        PRIMARY KEY,
  user_id          uuid        NOT NULL REFERENCES app.users ON DELETE CASCADE,
  refresh_hash     bytea       NOT NULL, -- of the current refresh token
  previous_hash    bytea,                -- of the one before, which app.refresh_session accepts for a moment
  rotated_at       timestamptz,          -- when the current one replaced it
  created_at       timestamptz NOT NULL DEFAULT now(),
  authenticated_at timestamptz NOT NULL DEFAULT now(), -- when its owner last entered the password
  last_used_at     timestamptz NOT NULL DEFAULT now(),
  idle_expires_at  timestamptz NOT NULL, -- unless it is refreshed
  expires_at       timestamptz NOT NULL,
  revoked_at       timestamptz,
  signed_out       boolean     NOT NULL DEFAULT false, -- whether its own client revoked it; that client stays known
  device           text, -- of its last use
  ip               inet
);
-- By the end of a session: an account has few live sessions, and may have many others.
CREATE INDEX sessions_live ON app.sessions (user_id, LEAST(expires_at, idle_expires_at, revoked_at));
CREATE INDEX sessions_expires_at ON app.sessions (expires_at);
SELECT app.protect('sessions', reads => '{id,user_id,created_at,last_used_at,idle_expires_at,expires_at,revoked_at,device,ip}');
GRANT SELECT, INSERT, DELETE,
      UPDATE (refresh_hash, previous_hash, rotated_at, authenticated_at, last_used_at, idle_expires_at, revoked_at, signed_out, device, ip)
   ON app.sessions TO freehold_definer;

-- The security history of an account, for its owner. An event without a user is a refused sign-in to an unknown account, which is
-- recorded so that it takes the same time.
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

-- One-time codes. The id is an HMAC of the code, so that only a client that knows the code can refer to it. A request for an unknown
-- address writes a code without an account (the nil UUID), so that it takes the same time. There is no foreign key, whose check would
-- take time for the other codes only; app.delete_account deletes them.
CREATE TABLE app.codes (
  id         uuid        PRIMARY KEY,
  purpose    text        NOT NULL CHECK (purpose IN ('VERIFY_EMAIL', 'CHANGE_EMAIL', 'RESET_PASSWORD')),
  email      text        NOT NULL,
  email_key  text        NOT NULL, -- of the recipient
  user_id    uuid        NOT NULL,
  expires_at timestamptz NOT NULL,
  CONSTRAINT codes_newest UNIQUE (email_key, purpose, user_id)
);
CREATE INDEX codes_user_id ON app.codes (user_id);
CREATE INDEX codes_expires_at ON app.codes (expires_at);
SELECT app.protect('codes', sees => 'nobody');
GRANT SELECT, INSERT, DELETE, UPDATE (id, email, expires_at) ON app.codes TO freehold_definer;

-- Usernames that a user gave up. For some time, only that user may take them again.
CREATE TABLE app.held_usernames (
  username_key text        PRIMARY KEY,
  user_id      uuid        REFERENCES app.users ON DELETE SET NULL, -- null if no user may take it
  held_until   timestamptz NOT NULL
);
CREATE INDEX held_usernames_user_id ON app.held_usernames (user_id);
CREATE INDEX held_usernames_held_until ON app.held_usernames (held_until);
SELECT app.protect('held_usernames', sees => 'nobody');
GRANT SELECT, INSERT, DELETE, UPDATE (user_id, held_until) ON app.held_usernames TO freehold_definer;

-- Idempotency keys of sign-ups, so that a retry finds the account. The fingerprint of the other values serves to reject a key that is
-- used again with other values.
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

-- The hits of rate limits in the current window, by bucket. All instances share them.
CREATE TABLE app.rate_limits (
  bucket  text        PRIMARY KEY,
  hits    integer     NOT NULL,
  ends_at timestamptz NOT NULL
);
CREATE INDEX rate_limits_ends_at ON app.rate_limits (ends_at);
SELECT app.protect('rate_limits', sees => 'nobody');
GRANT SELECT, INSERT, UPDATE, DELETE ON app.rate_limits TO freehold_definer;

-- Mails to send. A mail is written in the transaction that causes it, so that both are committed or neither. It contains no secret:
-- its one-time code is derived from its id when it is sent.
CREATE TABLE app.outbox (
  id              uuid        PRIMARY KEY, -- also in the Message-ID, which identifies duplicates
  kind            text        NOT NULL CHECK (length(kind) BETWEEN 1 AND 64),
  user_id         uuid        REFERENCES app.users ON DELETE CASCADE, -- whose deletion also deletes the mail; null if the mail stays
  recipient       text        NOT NULL CHECK (length(recipient) BETWEEN 1 AND 254),
  code_id         uuid,
  data            jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(data) = 'object' AND length(data::text) <= 4000),
  created_at      timestamptz NOT NULL DEFAULT now(),
  expires_at      timestamptz, -- when the mail becomes useless, for example because its code expires
  attempts        integer     NOT NULL DEFAULT 0, -- started attempts; also identifies the claim
  next_attempt_at timestamptz NOT NULL DEFAULT now(), -- while claimed: the end of the lease
  sent_at         timestamptz,
  parked_at       timestamptz, -- given up
  last_error      text        CHECK (length(last_error) <= 100), -- the kind of failure
  CONSTRAINT outbox_code_expires CHECK (code_id IS NULL OR expires_at IS NOT NULL)
);
CREATE INDEX outbox_user_id ON app.outbox (user_id);
CREATE INDEX outbox_created_at ON app.outbox (created_at);
CREATE INDEX outbox_waiting ON app.outbox (next_attempt_at) WHERE sent_at IS NULL AND parked_at IS NULL;
CREATE INDEX outbox_parked ON app.outbox (parked_at) WHERE parked_at IS NOT NULL AND sent_at IS NULL AND last_error IS DISTINCT FROM 'withheld';
CREATE INDEX outbox_code_id ON app.outbox (code_id) WHERE sent_at IS NULL AND parked_at IS NULL;
SELECT app.protect('outbox', sees => 'nobody');
GRANT SELECT, INSERT, DELETE, UPDATE (attempts, next_attempt_at, sent_at, parked_at, last_error) ON app.outbox TO freehold_definer;
