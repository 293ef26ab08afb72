-- The ways in besides a password: one row for each credential of an account, the secrets behind them, and flows of several requests.

-- Serves builds from: 3
-- +goose Up

-- The row of an account that every change of it locks first: its state, and the hash of its password.
DROP POLICY credentials_owner ON app.credentials;
DROP POLICY credentials_definer ON app.credentials;
ALTER TABLE app.credentials RENAME TO accounts;
ALTER INDEX app.credentials_pkey RENAME TO accounts_pkey;
ALTER INDEX app.credentials_disabled RENAME TO accounts_disabled;
ALTER TABLE app.accounts RENAME CONSTRAINT credentials_user_id_fkey TO accounts_user_id_fkey;
ALTER TABLE app.accounts ADD COLUMN anonymous boolean NOT NULL DEFAULT false; -- it has no way in besides its sessions
SELECT app.protect('accounts', sees => 'nobody');
GRANT UPDATE (anonymous) ON app.accounts TO freehold_definer;

-- An account may have no address.
ALTER TABLE app.user_private ALTER COLUMN email DROP NOT NULL, ALTER COLUMN email_key DROP NOT NULL,
  ADD CONSTRAINT user_private_address CHECK ((email IS NULL) = (email_key IS NULL) AND (email IS NOT NULL OR email_verified_at IS NULL AND pending_until IS NULL));

-- The ways in of an account. Only functions add and remove them. What proves them is in tables that no viewer sees.
CREATE TABLE app.credentials (
  id           uuid        PRIMARY KEY,
  user_id      uuid        NOT NULL REFERENCES app.users ON DELETE CASCADE,
  kind         text        NOT NULL CHECK (kind IN ('PASSWORD', 'EMAIL_CODE', 'OAUTH', 'PASSKEY', 'TOTP')),
  name         text        NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  last_used_at timestamptz
);
CREATE INDEX credentials_newest ON app.credentials (user_id, created_at, id);
CREATE UNIQUE INDEX credentials_one_of_kind ON app.credentials (user_id, kind) WHERE kind IN ('PASSWORD', 'EMAIL_CODE');
SELECT app.protect('credentials', updates => '{name}');
GRANT SELECT, INSERT, DELETE, UPDATE (name, last_used_at) ON app.credentials TO freehold_definer;
INSERT INTO app.credentials (id, user_id, kind, name, created_at)
SELECT gen_random_uuid(), c.user_id, 'PASSWORD', 'Password', c.updated_at FROM app.accounts c WHERE c.password_hash <> ''
 UNION ALL
SELECT gen_random_uuid(), u.user_id, 'EMAIL_CODE', u.email, u.email_verified_at FROM app.user_private u WHERE u.email_verified_at IS NOT NULL;

-- The users of identity providers (OpenID Connect's iss and sub).
CREATE TABLE app.identities (
  credential_id uuid PRIMARY KEY REFERENCES app.credentials ON DELETE CASCADE,
  issuer        text NOT NULL,
  subject       text NOT NULL,
  email         text, -- the address at the provider, at the last sign-in
  CONSTRAINT identities_subject UNIQUE (issuer, subject)
);
SELECT app.protect('identities', sees => 'nobody');
GRANT SELECT, INSERT, UPDATE (email) ON app.identities TO freehold_definer;

-- Passkeys (WebAuthn Level 3's credential records).
CREATE TABLE app.passkeys (
  credential_id   uuid    PRIMARY KEY REFERENCES app.credentials ON DELETE CASCADE,
  key_id          bytea   NOT NULL,
  public_key      bytea   NOT NULL, -- COSE
  sign_count      bigint  NOT NULL,
  aaguid          uuid    NOT NULL,
  transports      text[]  NOT NULL DEFAULT '{}',
  backup_eligible boolean NOT NULL,
  backed_up       boolean NOT NULL,
  CONSTRAINT passkeys_key_id UNIQUE (key_id)
);
SELECT app.protect('passkeys', sees => 'nobody');
GRANT SELECT, INSERT, UPDATE (sign_count, backed_up) ON app.passkeys TO freehold_definer;

-- Authenticator apps (RFC 6238). The service encrypts the secrets.
CREATE TABLE app.totp_secrets (
  credential_id uuid   PRIMARY KEY REFERENCES app.credentials ON DELETE CASCADE,
  secret        bytea  NOT NULL,
  last_step     bigint NOT NULL DEFAULT 0 -- each step is accepted once
);
SELECT app.protect('totp_secrets', sees => 'nobody');
GRANT SELECT, INSERT, UPDATE (secret, last_step) ON app.totp_secrets TO freehold_definer;

-- Recovery codes, each of which replaces the second factor once.
CREATE TABLE app.recovery_codes (
  user_id   uuid        NOT NULL REFERENCES app.users ON DELETE CASCADE,
  code_hash bytea       NOT NULL,
  used_at   timestamptz,
  PRIMARY KEY (user_id, code_hash)
);
SELECT app.protect('recovery_codes', sees => 'nobody');
GRANT SELECT, INSERT, DELETE, UPDATE (used_at) ON app.recovery_codes TO freehold_definer;

-- What a flow of several requests knows between them. The data is encrypted with a key that only the client's token has.
CREATE TABLE app.continuations (
  id          bytea       PRIMARY KEY, -- the hash of the token
  purpose     text        NOT NULL,
  client_hash bytea       NOT NULL, -- of what the client that started the flow has
  user_id     uuid        REFERENCES app.users ON DELETE CASCADE, -- null if there is no account yet
  data        bytea       NOT NULL,
  guesses     integer     NOT NULL DEFAULT 0,
  expires_at  timestamptz NOT NULL
);
CREATE INDEX continuations_user_id ON app.continuations (user_id);
CREATE INDEX continuations_expires_at ON app.continuations (expires_at);
SELECT app.protect('continuations', sees => 'nobody');
GRANT SELECT, INSERT, DELETE, UPDATE (guesses) ON app.continuations TO freehold_definer;

-- How the owner of a session has signed in.
ALTER TABLE app.sessions
  ADD COLUMN amr text[] NOT NULL DEFAULT '{}', -- RFC 8176
  ADD COLUMN second_factor_at timestamptz,     -- when its owner last proved two factors
  ADD COLUMN credential_id uuid REFERENCES app.credentials ON DELETE SET NULL;
UPDATE app.sessions SET amr = '{pwd}';
CREATE INDEX sessions_credential_id ON app.sessions (credential_id);
GRANT UPDATE (amr, second_factor_at, credential_id) ON app.sessions TO freehold_definer;

-- Serves to find out whether an account has a second factor.
CREATE INDEX credentials_second_factors ON app.credentials (user_id) WHERE kind = 'TOTP';

-- What a code completes: the form of a sign-up (SIGN_IN), or the password of an upgrade (CHANGE_EMAIL).
ALTER TABLE app.codes ADD COLUMN data jsonb, DROP CONSTRAINT codes_purpose_check,
  ADD CONSTRAINT codes_purpose_check CHECK (purpose IN ('VERIFY_EMAIL', 'CHANGE_EMAIL', 'RESET_PASSWORD', 'SIGN_IN'));
GRANT UPDATE (data) ON app.codes TO freehold_definer;

-- When a purge looks next whether an anonymous account is idle. The index also counts these accounts.
ALTER TABLE app.accounts ADD COLUMN idle_check_at timestamptz NOT NULL DEFAULT now();
GRANT UPDATE (idle_check_at) ON app.accounts TO freehold_definer;
CREATE INDEX accounts_anonymous ON app.accounts (idle_check_at) WHERE anonymous;
-- Functions that others replace, or that have other parameters now.
DROP FUNCTION IF EXISTS app.require_reauthentication(double precision);
DROP FUNCTION IF EXISTS app.session_scopes(uuid);
DROP FUNCTION IF EXISTS app.claim_scopes(text);
DROP FUNCTION IF EXISTS app.sign_in(text, text, boolean, uuid, bytea, integer, integer);
DROP FUNCTION IF EXISTS app.sign_up(uuid, text, text, text, text, uuid, bytea, integer, integer, integer, bytea, bytea);
DROP FUNCTION IF EXISTS app.start_session(uuid, uuid, bytea, integer, integer);
