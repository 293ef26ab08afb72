-- How an account proves itself anew and changes: one-time codes, verification, recovery, its e-mail, password and
-- username, and its end. And sign-ups that wait for their address to be verified, or come twice.

-- +goose Up

-- A sign-up whose address must be verified first is an account that nobody can use, and is gone after a while. Any
-- number of them may have one address, or whoever came first would keep its true owner out.
ALTER TABLE app.user_private ADD COLUMN pending_until timestamptz, ADD COLUMN pending_visibility text; -- the second: of its profile, once it is verified
ALTER TABLE app.user_private DROP CONSTRAINT user_private_email_key;
CREATE UNIQUE INDEX user_private_email_key ON app.user_private (email_key) WHERE pending_until IS NULL;
CREATE INDEX user_private_pending_email_key ON app.user_private (email_key) WHERE pending_until IS NOT NULL;
CREATE INDEX user_private_pending_until ON app.user_private (pending_until) WHERE pending_until IS NOT NULL;
GRANT UPDATE (email, email_key, email_verified_at, pending_until, pending_visibility) ON app.user_private TO freehold_definer;
GRANT DELETE ON app.users TO freehold_definer;
GRANT UPDATE (username, username_key, visibility, updated_at) ON app.profiles TO freehold_definer;

ALTER TABLE app.sessions ADD COLUMN authenticated_at timestamptz NOT NULL DEFAULT now(); -- when its owner last proved himself
GRANT UPDATE (authenticated_at) ON app.sessions TO freehold_definer;

ALTER TABLE app.credentials ADD COLUMN reset_at timestamptz, ADD COLUMN reset_ip inet; -- when whoever has the address last took the account over
GRANT UPDATE (reset_at, reset_ip) ON app.credentials TO freehold_definer;

ALTER TABLE app.security_events ALTER COLUMN user_id DROP NOT NULL; -- nobody's: a refusal costs the same without an account

-- A code itself is derived from its id, see auth. One without an account (the nil UUID) is what an unknown address
-- leaves behind, so that asking for it takes the same time. No foreign key, which would be looked up for the others only.
CREATE TABLE app.codes (
  id         uuid        PRIMARY KEY,
  purpose    text        NOT NULL CHECK (purpose IN ('VERIFY_EMAIL', 'CHANGE_EMAIL', 'RESET_PASSWORD')),
  email      text        NOT NULL,
  email_key  text        NOT NULL, -- to which it was sent
  user_id    uuid        NOT NULL,
  expires_at timestamptz NOT NULL,
  CONSTRAINT codes_newest UNIQUE (email_key, purpose, user_id)
);
CREATE INDEX codes_user_id ON app.codes (user_id);
CREATE INDEX codes_expires_at ON app.codes (expires_at);
ALTER TABLE app.codes ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.codes FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, DELETE, UPDATE (id, email, expires_at) ON app.codes TO freehold_definer;
CREATE POLICY codes_owner ON app.codes TO freehold_owner USING (true) WITH CHECK (true);
CREATE POLICY codes_definer ON app.codes TO freehold_definer USING (true) WITH CHECK (true);

-- Usernames that were given up, and that nobody but who gave them up may take for a while.
CREATE TABLE app.held_usernames (
  username_key text        PRIMARY KEY,
  user_id      uuid        REFERENCES app.users ON DELETE SET NULL,
  held_until   timestamptz NOT NULL
);
CREATE INDEX held_usernames_user_id ON app.held_usernames (user_id);
CREATE INDEX held_usernames_held_until ON app.held_usernames (held_until);
ALTER TABLE app.held_usernames ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.held_usernames FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, DELETE, UPDATE (user_id, held_until) ON app.held_usernames TO freehold_definer;
CREATE POLICY held_usernames_owner ON app.held_usernames TO freehold_owner USING (true) WITH CHECK (true);
CREATE POLICY held_usernames_definer ON app.held_usernames TO freehold_definer USING (true) WITH CHECK (true);

-- By which key of a client an account was signed up, so that a retry finds it.
CREATE TABLE app.sign_up_keys (
  key_hash   bytea       PRIMARY KEY,
  user_id    uuid        NOT NULL REFERENCES app.users ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX sign_up_keys_user_id ON app.sign_up_keys (user_id);
CREATE INDEX sign_up_keys_created_at ON app.sign_up_keys (created_at);
ALTER TABLE app.sign_up_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.sign_up_keys FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, DELETE, UPDATE (created_at) ON app.sign_up_keys TO freehold_definer; -- to lock a row, something of it has to be updatable
CREATE POLICY sign_up_keys_owner ON app.sign_up_keys TO freehold_owner USING (true) WITH CHECK (true);
CREATE POLICY sign_up_keys_definer ON app.sign_up_keys TO freehold_definer USING (true) WITH CHECK (true);

CREATE INDEX outbox_code_id ON app.outbox (code_id) WHERE sent_at IS NULL AND parked_at IS NULL;

GRANT CREATE ON SCHEMA app TO freehold_definer; -- needed to hand functions over; taken back below

-- Deletes sign-ups that were not verified in time and have this username.
-- +goose StatementBegin
CREATE FUNCTION app.drop_overdue(p_username_key text) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  WITH overdue AS MATERIALIZED (
    SELECT x.user_id FROM app.profiles p JOIN app.user_private x ON x.user_id = p.user_id
     WHERE p.username_key = p_username_key AND x.pending_until <= now()
       FOR UPDATE OF x -- it may be verified at this very moment
  )
  DELETE FROM app.users u USING overdue WHERE u.id = overdue.user_id
$$;
-- +goose StatementEnd

-- Keeps a username for an account that gives it up, or for nobody.
-- +goose StatementBegin
CREATE FUNCTION app.hold_username(p_username_key text, p_user_id uuid, p_until timestamptz) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  INSERT INTO app.held_usernames AS h (username_key, user_id, held_until)
  VALUES (p_username_key, p_user_id, p_until)
  ON CONFLICT (username_key) DO UPDATE SET user_id = excluded.user_id, held_until = GREATEST(h.held_until, excluded.held_until)
$$;
-- +goose StatementEnd

-- Whether a username is held for somebody else than the viewer. Ask after it was written: only then can't it be given up
-- in between.
-- +goose StatementBegin
CREATE FUNCTION app.is_held(p_username_key text) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT EXISTS (SELECT FROM app.held_usernames h
                  WHERE h.username_key = p_username_key AND h.held_until > now()
                    AND (h.user_id IS NULL OR h.user_id IS DISTINCT FROM app.viewer_id()))
$$;
-- +goose StatementEnd

-- As before, without what is pending: of addresses that takes none, and a username until it is overdue.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION app.taken(p_email_key text, p_username_key text) RETURNS TABLE (email boolean, username boolean)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT EXISTS (SELECT FROM app.user_private u WHERE u.email_key = p_email_key AND u.pending_until IS NULL),
         EXISTS (SELECT FROM app.profiles p JOIN app.user_private u ON u.user_id = p.user_id
                  WHERE p.username_key = p_username_key AND (u.pending_until IS NULL OR u.pending_until > now()))
         OR app.is_held(p_username_key)
$$;
-- +goose StatementEnd

-- Writes an account, its credentials and its first session. The profile follows, written as its owner. With a time for
-- which it is pending, app.await_verification has to follow as well.
DROP FUNCTION app.sign_up(uuid, text, text, text, uuid, bytea, integer, integer);
-- +goose StatementBegin
CREATE FUNCTION app.sign_up(p_user_id uuid, p_email text, p_email_key text, p_username_key text, p_password_hash text,
                            p_session_id uuid, p_refresh_hash bytea, p_idle_seconds integer, p_seconds integer,
                            p_pending_seconds integer, p_key_hash bytea)
  RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  PERFORM app.drop_overdue(p_username_key);
  INSERT INTO app.users (id) VALUES (p_user_id);
  IF p_key_hash IS NOT NULL THEN
    INSERT INTO app.sign_up_keys (key_hash, user_id) VALUES (p_key_hash, p_user_id);
  END IF;
  INSERT INTO app.user_private (user_id, email, email_key, pending_until)
  VALUES (p_user_id, p_email, p_email_key, now() + make_interval(secs => p_pending_seconds));
  INSERT INTO app.credentials (user_id, password_hash) VALUES (p_user_id, p_password_hash);
  PERFORM app.start_session(p_user_id, p_session_id, p_refresh_hash, p_idle_seconds, p_seconds);
  PERFORM app.record_event(p_user_id, 'SIGNED_UP');
END
$$;
-- +goose StatementEnd

-- The account that a key has signed up, and what a retry has to prove. None for one that is disabled or overdue.
-- +goose StatementBegin
CREATE FUNCTION app.find_sign_up(p_key_hash bytea)
  RETURNS TABLE (user_id uuid, email_key text, password_hash text, pending boolean, is_verified boolean)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT u.user_id, u.email_key, c.password_hash, u.pending_until IS NOT NULL, u.email_verified_at IS NOT NULL
    FROM app.sign_up_keys k
    JOIN app.user_private u ON u.user_id = k.user_id
    JOIN app.credentials c ON c.user_id = k.user_id
   WHERE k.key_hash = p_key_hash AND c.disabled_at IS NULL AND (u.pending_until IS NULL OR u.pending_until > now())
$$;
-- +goose StatementEnd

-- By what name an account may be called in a mail to its address: none while nobody has proved the address, or anybody
-- could have anything said to it.
-- +goose StatementBegin
CREATE FUNCTION app.proved_name(p_private app.user_private, p_profile app.profiles) RETURNS text
  LANGUAGE sql IMMUTABLE
  AS $$ SELECT CASE WHEN p_private.email_verified_at IS NULL THEN '' ELSE p_profile.username END $$;
-- +goose StatementEnd
GRANT EXECUTE ON FUNCTION app.proved_name(app.user_private, app.profiles) TO freehold_definer;

-- Puts a code in the place of an older one for the same.
-- +goose StatementBegin
CREATE FUNCTION app.put_code(p_id uuid, p_purpose text, p_email text, p_email_key text, p_user_id uuid, p_valid_seconds double precision)
  RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  INSERT INTO app.codes (id, purpose, email, email_key, user_id, expires_at)
  VALUES (p_id, p_purpose, p_email, p_email_key, COALESCE(p_user_id, '00000000-0000-0000-0000-000000000000'),
          clock_timestamp() + make_interval(secs => p_valid_seconds))
  ON CONFLICT (email_key, purpose, user_id) DO UPDATE SET id = excluded.id, email = excluded.email, expires_at = excluded.expires_at
$$;
-- +goose StatementEnd

-- Closes a sign-up, as its owner, until its address is verified: no session, and nothing to be seen. Returns the address
-- of the account that has the address already, or NULL. Then the code is nobody's, and also where its mail is withheld, or
-- sign-ups without number would hide the codes that were sent.
-- +goose StatementBegin
CREATE FUNCTION app.await_verification(p_code_id uuid, p_valid_seconds double precision, p_withheld boolean) RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  mine record;
  taken text;
BEGIN
  SELECT u.email, u.email_key INTO STRICT mine FROM app.user_private u WHERE u.user_id = app.viewer_id() AND u.pending_until IS NOT NULL;
  UPDATE app.user_private u SET pending_visibility = p.visibility FROM app.profiles p WHERE p.user_id = u.user_id AND u.user_id = app.viewer_id();
  UPDATE app.profiles SET visibility = 'PRIVATE' WHERE user_id = app.viewer_id();
  DELETE FROM app.sessions WHERE user_id = app.viewer_id();
  SELECT u.email INTO taken FROM app.user_private u WHERE u.email_key = mine.email_key AND u.pending_until IS NULL;
  PERFORM app.put_code(p_code_id, 'VERIFY_EMAIL', mine.email, mine.email_key, CASE WHEN taken IS NULL AND NOT p_withheld THEN app.viewer_id() END,
                       p_valid_seconds);
  RETURN taken;
END
$$;
-- +goose StatementEnd

-- Makes a code for an address: to verify it, for the account that has it and has not verified it yet, or else the newest
-- sign-up that waits for that; or for a new password of the account that has it. Returns to which address it is to be
-- sent, as the account spells it, and for whom. Where there is no such account the code is nobody's, and so is the mail.
-- The lock makes an account that is being deleted wait, and take the code along.
-- +goose StatementBegin
CREATE FUNCTION app.request_code(p_id uuid, p_purpose text, p_email text, p_email_key text, p_valid_seconds double precision)
  RETURNS TABLE (email text, username text, is_known boolean)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  found record;
BEGIN
  SELECT u.user_id, u.email, app.proved_name(u, p) AS username
    INTO found
    FROM app.user_private u
    JOIN app.profiles p ON p.user_id = u.user_id
    JOIN app.credentials c ON c.user_id = u.user_id
   WHERE u.email_key = p_email_key AND c.disabled_at IS NULL
     AND CASE p_purpose
         WHEN 'RESET_PASSWORD' THEN u.pending_until IS NULL
         WHEN 'VERIFY_EMAIL' THEN u.email_verified_at IS NULL
              AND (u.pending_until IS NULL
                   OR u.pending_until > now()
                      AND NOT EXISTS (SELECT FROM app.user_private x WHERE x.email_key = p_email_key AND x.pending_until IS NULL))
         END
   ORDER BY u.pending_until DESC
   LIMIT 1
     FOR KEY SHARE OF c;
  PERFORM app.put_code(p_id, p_purpose, COALESCE(found.email, p_email), p_email_key, found.user_id, p_valid_seconds);
  RETURN QUERY SELECT COALESCE(found.email, p_email), COALESCE(found.username, ''), found.user_id IS NOT NULL;
END
$$;
-- +goose StatementEnd

-- The codes for an address that still count, of which the one that was typed may be one. The words are what its account
-- calls itself.
-- +goose StatementBegin
CREATE FUNCTION app.find_codes(p_purpose text, p_email_key text) RETURNS TABLE (id uuid, user_id uuid, email text, username text, display_name text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT k.id, k.user_id, k.email, p.username, p.display_name
    FROM app.codes k JOIN app.profiles p ON p.user_id = k.user_id
   WHERE k.email_key = p_email_key AND k.purpose = p_purpose AND k.expires_at > clock_timestamp()
   ORDER BY k.expires_at DESC
   LIMIT 100 -- more than the limits of mails let there be
$$;
-- +goose StatementEnd

-- Ends all that could have been had of an account before: its sessions but one, and its codes.
-- +goose StatementBegin
CREATE FUNCTION app.shut_out(p_user_id uuid, p_but_session_id uuid) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  UPDATE app.sessions SET revoked_at = now() WHERE user_id = p_user_id AND id IS DISTINCT FROM p_but_session_id AND revoked_at IS NULL;
  DELETE FROM app.codes WHERE user_id = p_user_id;
$$;
-- +goose StatementEnd

-- Lets nobody prove an address any more by the sign-ups that wait for it, since an account has proved it now, and reports
-- whether there were any. They stay until they are overdue, as those for a taken address do: if they went, or their names
-- came free, whoever has made them would learn when that was.
-- +goose StatementBegin
CREATE FUNCTION app.silence_rivals(p_email_key text, p_user_id uuid) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  rivals uuid[] := ARRAY(SELECT u.user_id FROM app.user_private u
                          WHERE u.email_key = p_email_key AND u.user_id <> p_user_id AND u.pending_until IS NOT NULL);
BEGIN
  DELETE FROM app.codes k WHERE k.user_id = ANY (rivals);
  RETURN rivals <> '{}';
END
$$;
-- +goose StatementEnd

-- Uses a code for a new password, and with it proves the address. Returns to which address that is to be told; no row
-- where the code does not count any more.
-- +goose StatementBegin
CREATE FUNCTION app.reset_password(p_code_id uuid, p_password_hash text) RETURNS TABLE (email text, username text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  used record;
BEGIN
  PERFORM FROM app.credentials c JOIN app.codes k ON k.user_id = c.user_id
    WHERE k.id = p_code_id AND c.disabled_at IS NULL
      FOR NO KEY UPDATE OF c; -- first, as whatever else changes an account does
  IF NOT FOUND THEN
    RETURN;
  END IF;
  DELETE FROM app.codes k WHERE k.id = p_code_id AND k.purpose = 'RESET_PASSWORD' AND k.expires_at > clock_timestamp()
  RETURNING k.user_id, k.email_key INTO used;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  UPDATE app.user_private u SET email_verified_at = COALESCE(u.email_verified_at, now())
   WHERE u.user_id = used.user_id AND u.email_key = used.email_key AND u.pending_until IS NULL;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  UPDATE app.credentials c SET password_hash = p_password_hash, updated_at = now(), reset_at = now(), reset_ip = app.client_ip()
   WHERE c.user_id = used.user_id;
  PERFORM app.shut_out(used.user_id, NULL);
  PERFORM app.silence_rivals(used.email_key, used.user_id);
  PERFORM app.record_event(used.user_id, 'PASSWORD_RESET');
  RETURN QUERY SELECT u.email, p.username FROM app.user_private u JOIN app.profiles p ON p.user_id = u.user_id WHERE u.user_id = used.user_id;
END
$$;
-- +goose StatementEnd

-- Uses a code that proves the address of an account. The viewer may be its owner. Otherwise a session is started, and
-- whatever the account was reached by before ends: somebody else may have signed up with the address. That its password
-- is his is believed where the account has waited for this and no other sign-up with the address has. No row where the
-- code does not count any more.
-- +goose StatementBegin
CREATE FUNCTION app.verify_email(p_code_id uuid, p_session_id uuid, p_refresh_hash bytea, p_idle_seconds integer, p_seconds integer)
  RETURNS TABLE (user_id uuid, password_cleared boolean)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  used record;
  was record;
  rivals boolean;
  cleared boolean := false;
BEGIN
  PERFORM FROM app.credentials c JOIN app.codes k ON k.user_id = c.user_id
    WHERE k.id = p_code_id AND c.disabled_at IS NULL
      FOR NO KEY UPDATE OF c;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  DELETE FROM app.codes k WHERE k.id = p_code_id AND k.purpose = 'VERIFY_EMAIL' AND k.expires_at > clock_timestamp()
  RETURNING k.user_id, k.email_key INTO used;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  SELECT u.pending_until, u.pending_visibility INTO was
    FROM app.user_private u
   WHERE u.user_id = used.user_id AND u.email_key = used.email_key AND (u.pending_until IS NULL OR u.pending_until > now());
  IF NOT FOUND THEN
    RETURN;
  END IF;
  UPDATE app.user_private u SET email_verified_at = now(), pending_until = NULL, pending_visibility = NULL WHERE u.user_id = used.user_id;
  IF was.pending_until IS NOT NULL THEN
    UPDATE app.profiles p SET visibility = was.pending_visibility WHERE p.user_id = used.user_id;
  END IF;
  rivals := app.silence_rivals(used.email_key, used.user_id);
  IF used.user_id IS NOT DISTINCT FROM app.viewer_id() THEN
    DELETE FROM app.codes k WHERE k.user_id = used.user_id;
    PERFORM app.record_event(used.user_id, 'EMAIL_VERIFIED');
  ELSE
    PERFORM app.shut_out(used.user_id, NULL);
    cleared := rivals OR was.pending_until IS NULL;
    IF cleared THEN
      UPDATE app.credentials c SET password_hash = '', updated_at = now(), reset_at = now(), reset_ip = app.client_ip()
       WHERE c.user_id = used.user_id;
    END IF;
    PERFORM app.record_event(used.user_id, 'EMAIL_VERIFIED');
    PERFORM app.start_session(used.user_id, p_session_id, p_refresh_hash, p_idle_seconds, p_seconds);
    PERFORM app.record_event(used.user_id, 'SIGNED_IN');
  END IF;
  RETURN QUERY SELECT used.user_id, cleared;
END
$$;
-- +goose StatementEnd

-- Uses a code that proves the viewer's new address, which is from then on the address of his account. Returns the one that
-- it was before, and the new one; no row where the code does not count any more.
-- +goose StatementBegin
CREATE FUNCTION app.change_email(p_code_id uuid) RETURNS TABLE (old_email text, new_email text, username text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  used record;
  was record;
BEGIN
  PERFORM FROM app.credentials c WHERE c.user_id = app.viewer_id() FOR NO KEY UPDATE;
  DELETE FROM app.codes k
   WHERE k.id = p_code_id AND k.purpose = 'CHANGE_EMAIL' AND k.user_id = app.viewer_id() AND k.expires_at > clock_timestamp()
  RETURNING k.email, k.email_key INTO used;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  SELECT u.email, app.proved_name(u, p) AS username INTO STRICT was
    FROM app.user_private u JOIN app.profiles p ON p.user_id = u.user_id
   WHERE u.user_id = app.viewer_id()
     FOR NO KEY UPDATE OF u;
  UPDATE app.user_private u SET email = used.email, email_key = used.email_key, email_verified_at = now() WHERE u.user_id = app.viewer_id();
  DELETE FROM app.codes k WHERE k.user_id = app.viewer_id();
  PERFORM app.silence_rivals(used.email_key, app.viewer_id());
  PERFORM app.record_event(app.viewer_id(), 'EMAIL_CHANGED');
  RETURN QUERY SELECT was.email, used.email, was.username;
END
$$;
-- +goose StatementEnd

-- Makes a code that proves a new address of the viewer's, in the place of any such code before. Returns the address of the
-- account that has it already, or NULL; then the code is nobody's.
-- +goose StatementBegin
CREATE FUNCTION app.request_email_change(p_id uuid, p_email text, p_email_key text, p_valid_seconds double precision) RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  taken text;
BEGIN
  PERFORM FROM app.credentials c WHERE c.user_id = app.viewer_id() FOR KEY SHARE; -- as in request_code
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the account is gone' USING ERRCODE = 'FH003';
  END IF;
  SELECT u.email INTO taken FROM app.user_private u WHERE u.email_key = p_email_key AND u.pending_until IS NULL AND u.user_id <> app.viewer_id();
  DELETE FROM app.codes k WHERE k.user_id = app.viewer_id() AND k.purpose = 'CHANGE_EMAIL';
  PERFORM app.put_code(p_id, 'CHANGE_EMAIL', p_email, p_email_key, CASE WHEN taken IS NULL THEN app.viewer_id() END, p_valid_seconds);
  RETURN taken;
END
$$;
-- +goose StatementEnd

-- The viewer's own hash, to verify his password against.
-- +goose StatementBegin
CREATE FUNCTION app.find_own_credentials() RETURNS text
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT c.password_hash FROM app.credentials c WHERE c.user_id = app.viewer_id()
$$;
-- +goose StatementEnd

-- Raises FH004 if the viewer proved himself longer ago than that, and FH003 if there is none.
-- +goose StatementBegin
CREATE FUNCTION app.require_recent(p_seconds double precision) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  IF app.viewer_id() IS NULL THEN
    RAISE EXCEPTION 'there is no session' USING ERRCODE = 'FH003';
  END IF;
  PERFORM FROM app.sessions s
    WHERE s.id = app.session_id() AND s.user_id = app.viewer_id() AND s.authenticated_at > now() - make_interval(secs => p_seconds);
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the sign-in was too long ago' USING ERRCODE = 'FH004';
  END IF;
END
$$;
-- +goose StatementEnd

-- Notes that the viewer has proved himself again, unless the hash is not the one that was verified any more: then false.
-- +goose StatementBegin
CREATE FUNCTION app.reauthenticate(p_seen_hash text) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  PERFORM FROM app.credentials c WHERE c.user_id = app.viewer_id() AND c.password_hash = p_seen_hash FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  UPDATE app.sessions SET authenticated_at = clock_timestamp() WHERE id = app.session_id() AND user_id = app.viewer_id();
  PERFORM app.record_event(app.viewer_id(), 'REAUTHENTICATED');
  RETURN true;
END
$$;
-- +goose StatementEnd

-- Changes the viewer's password and ends all but the session that asks. Returns to which address that is to be told; no
-- row where the hash is not the one that was verified any more.
-- +goose StatementBegin
CREATE FUNCTION app.change_password(p_seen_hash text, p_password_hash text) RETURNS TABLE (email text, username text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  UPDATE app.credentials c SET password_hash = p_password_hash, updated_at = now()
   WHERE c.user_id = app.viewer_id() AND c.password_hash = p_seen_hash;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  PERFORM app.shut_out(app.viewer_id(), app.session_id());
  UPDATE app.sessions s SET authenticated_at = clock_timestamp() WHERE s.id = app.session_id() AND s.user_id = app.viewer_id();
  PERFORM app.record_event(app.viewer_id(), 'PASSWORD_CHANGED');
  RETURN QUERY SELECT u.email, app.proved_name(u, p) FROM app.user_private u JOIN app.profiles p ON p.user_id = u.user_id WHERE u.user_id = app.viewer_id();
END
$$;
-- +goose StatementEnd

-- Gives the viewer another username and holds the old one for him. False where the new one is held for somebody else.
-- +goose StatementBegin
CREATE FUNCTION app.change_username(p_username text, p_username_key text, p_hold_seconds double precision) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  old_key text;
BEGIN
  SELECT p.username_key INTO old_key FROM app.profiles p WHERE p.user_id = app.viewer_id() FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the account is gone' USING ERRCODE = 'FH003';
  END IF;
  PERFORM app.drop_overdue(p_username_key);
  UPDATE app.profiles p SET username = p_username, username_key = p_username_key, updated_at = now() WHERE p.user_id = app.viewer_id();
  IF app.is_held(p_username_key) THEN
    RETURN false;
  END IF;
  DELETE FROM app.held_usernames h WHERE h.username_key = p_username_key;
  IF old_key <> p_username_key THEN
    PERFORM app.hold_username(old_key, app.viewer_id(), now() + make_interval(secs => p_hold_seconds));
  END IF;
  PERFORM app.record_event(app.viewer_id(), 'USERNAME_CHANGED');
  RETURN true;
END
$$;
-- +goose StatementEnd

-- Deletes the viewer's account with all that refers to it, and holds its username for nobody. Returns to which address
-- that is to be told; no row where the hash is not the one that was verified any more.
-- +goose StatementBegin
CREATE FUNCTION app.delete_account(p_seen_hash text, p_hold_seconds double precision) RETURNS TABLE (email text, username text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  mine record;
BEGIN
  PERFORM FROM app.credentials c WHERE c.user_id = app.viewer_id() AND c.password_hash = p_seen_hash FOR UPDATE;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  SELECT u.email, app.proved_name(u, p) AS username, p.username_key INTO STRICT mine
    FROM app.user_private u JOIN app.profiles p ON p.user_id = u.user_id
   WHERE u.user_id = app.viewer_id()
     FOR NO KEY UPDATE OF p; -- its username may be changed at this very moment
  PERFORM app.hold_username(mine.username_key, NULL, now() + make_interval(secs => p_hold_seconds));
  DELETE FROM app.outbox o USING app.codes k WHERE k.user_id = app.viewer_id() AND o.code_id = k.id AND o.sent_at IS NULL AND o.parked_at IS NULL;
  DELETE FROM app.codes k WHERE k.user_id = app.viewer_id();
  DELETE FROM app.users x WHERE x.id = app.viewer_id();
  RETURN QUERY SELECT mine.email, mine.username;
END
$$;
-- +goose StatementEnd

-- As before, for accounts that are not pending, and says whether the address was verified.
DROP FUNCTION app.find_credentials(text);
-- +goose StatementBegin
CREATE FUNCTION app.find_credentials(p_email_key text) RETURNS TABLE (user_id uuid, password_hash text, is_verified boolean)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT c.user_id, c.password_hash, u.email_verified_at IS NOT NULL
    FROM app.user_private u JOIN app.credentials c ON c.user_id = u.user_id
   WHERE u.email_key = p_email_key AND u.pending_until IS NULL AND c.disabled_at IS NULL
$$;
-- +goose StatementEnd

-- Notes a sign-in that was refused; of an address without an account as well, which is nobody's. Of an account that has
-- been deleted since it was found there is nothing to note.
-- +goose StatementBegin
CREATE FUNCTION app.refuse_sign_in(p_user_id uuid) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  PERFORM app.record_event(p_user_id, 'SIGN_IN_REFUSED');
EXCEPTION WHEN foreign_key_violation THEN
END
$$;
-- +goose StatementEnd

-- Whether an account is used from a block of addresses: it was signed in to from there since whoever has its address last
-- took it over, or taken over from there.
-- +goose StatementBegin
CREATE FUNCTION app.is_known_client(p_email_key text, p_block text) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT EXISTS (SELECT FROM app.user_private u JOIN app.credentials c ON c.user_id = u.user_id
                  WHERE u.email_key = p_email_key AND u.pending_until IS NULL
                    AND (c.reset_ip <<= NULLIF(p_block, '')::inet
                         OR EXISTS (SELECT FROM app.sessions s
                                     WHERE s.user_id = u.user_id AND s.ip <<= NULLIF(p_block, '')::inet
                                       AND s.created_at >= COALESCE(c.reset_at, '-infinity'))))
$$;
-- +goose StatementEnd

-- Empties a bucket.
-- +goose StatementBegin
CREATE FUNCTION app.clear_hits(p_bucket text) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$ DELETE FROM app.rate_limits r WHERE r.bucket = p_bucket $$;
-- +goose StatementEnd

-- As before, and for a mail that nobody is to get: it is written like the others, so that it can't be told from them, and
-- given up at once.
DROP FUNCTION app.enqueue_mail(uuid, text, uuid, text, uuid, jsonb, double precision);
-- +goose StatementBegin
CREATE FUNCTION app.enqueue_mail(p_id uuid, p_kind text, p_user_id uuid, p_recipient text, p_code_id uuid, p_data jsonb,
                                 p_valid_seconds double precision, p_withheld boolean)
  RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  INSERT INTO app.outbox (id, kind, user_id, recipient, code_id, data, expires_at, parked_at, last_error)
  VALUES (p_id, p_kind, p_user_id, p_recipient, p_code_id, p_data, now() + make_interval(secs => p_valid_seconds),
          CASE WHEN p_withheld THEN now() END, CASE WHEN p_withheld THEN 'for nobody' END)
$$;
-- +goose StatementEnd

-- Each of these purges as those of 0007 do. A code and a hold are over when their time is, a key of a sign-up when it was
-- used, and a sign-up that waits when it was not verified in time.
-- +goose StatementBegin
CREATE FUNCTION app.purge_codes(p_limit integer, p_over_seconds double precision) RETURNS bigint
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  WITH past AS MATERIALIZED (
    SELECT k.id FROM app.codes k
     WHERE k.expires_at < now() - make_interval(secs => p_over_seconds)
     LIMIT p_limit
       FOR UPDATE SKIP LOCKED
  ), deleted AS (
    DELETE FROM app.codes k USING past WHERE k.id = past.id RETURNING 1
  )
  SELECT count(*) FROM deleted
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION app.purge_held_usernames(p_limit integer, p_over_seconds double precision) RETURNS bigint
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  WITH past AS MATERIALIZED (
    SELECT h.username_key FROM app.held_usernames h
     WHERE h.held_until < now() - make_interval(secs => p_over_seconds)
     LIMIT p_limit
       FOR UPDATE SKIP LOCKED
  ), deleted AS (
    DELETE FROM app.held_usernames h USING past WHERE h.username_key = past.username_key RETURNING 1
  )
  SELECT count(*) FROM deleted
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION app.purge_sign_up_keys(p_limit integer, p_over_seconds double precision) RETURNS bigint
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  WITH past AS MATERIALIZED (
    SELECT k.key_hash FROM app.sign_up_keys k
     WHERE k.created_at < now() - make_interval(secs => p_over_seconds)
     LIMIT p_limit
       FOR UPDATE SKIP LOCKED
  ), deleted AS (
    DELETE FROM app.sign_up_keys k USING past WHERE k.key_hash = past.key_hash RETURNING 1
  )
  SELECT count(*) FROM deleted
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION app.purge_pending(p_limit integer, p_over_seconds double precision) RETURNS bigint
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  WITH past AS MATERIALIZED (
    SELECT u.user_id FROM app.user_private u
     WHERE u.pending_until < now() - make_interval(secs => p_over_seconds)
     LIMIT p_limit
       FOR UPDATE SKIP LOCKED
  ), deleted AS (
    DELETE FROM app.users u USING past WHERE u.id = past.user_id RETURNING 1
  )
  SELECT count(*) FROM deleted
$$;
-- +goose StatementEnd

GRANT EXECUTE ON FUNCTION
  app.is_held(text),
  app.sign_up(uuid, text, text, text, text, uuid, bytea, integer, integer, integer, bytea),
  app.find_sign_up(bytea),
  app.await_verification(uuid, double precision, boolean),
  app.request_code(uuid, text, text, text, double precision),
  app.find_codes(text, text),
  app.reset_password(uuid, text),
  app.verify_email(uuid, uuid, bytea, integer, integer),
  app.request_email_change(uuid, text, text, double precision),
  app.change_email(uuid),
  app.find_own_credentials(),
  app.require_recent(double precision),
  app.reauthenticate(text),
  app.change_password(text, text),
  app.change_username(text, text, double precision),
  app.delete_account(text, double precision),
  app.find_credentials(text),
  app.refuse_sign_in(uuid),
  app.is_known_client(text, text),
  app.clear_hits(text),
  app.enqueue_mail(uuid, text, uuid, text, uuid, jsonb, double precision, boolean),
  app.purge_codes(integer, double precision),
  app.purge_held_usernames(integer, double precision),
  app.purge_sign_up_keys(integer, double precision),
  app.purge_pending(integer, double precision)
  TO freehold_app;
ALTER FUNCTION app.drop_overdue(text) OWNER TO freehold_definer;
ALTER FUNCTION app.hold_username(text, uuid, timestamptz) OWNER TO freehold_definer;
ALTER FUNCTION app.is_held(text) OWNER TO freehold_definer;
ALTER FUNCTION app.sign_up(uuid, text, text, text, text, uuid, bytea, integer, integer, integer, bytea) OWNER TO freehold_definer;
ALTER FUNCTION app.find_sign_up(bytea) OWNER TO freehold_definer;
ALTER FUNCTION app.put_code(uuid, text, text, text, uuid, double precision) OWNER TO freehold_definer;
ALTER FUNCTION app.await_verification(uuid, double precision, boolean) OWNER TO freehold_definer;
ALTER FUNCTION app.request_code(uuid, text, text, text, double precision) OWNER TO freehold_definer;
ALTER FUNCTION app.find_codes(text, text) OWNER TO freehold_definer;
ALTER FUNCTION app.shut_out(uuid, uuid) OWNER TO freehold_definer;
ALTER FUNCTION app.silence_rivals(text, uuid) OWNER TO freehold_definer;
ALTER FUNCTION app.reset_password(uuid, text) OWNER TO freehold_definer;
ALTER FUNCTION app.verify_email(uuid, uuid, bytea, integer, integer) OWNER TO freehold_definer;
ALTER FUNCTION app.request_email_change(uuid, text, text, double precision) OWNER TO freehold_definer;
ALTER FUNCTION app.change_email(uuid) OWNER TO freehold_definer;
ALTER FUNCTION app.find_own_credentials() OWNER TO freehold_definer;
ALTER FUNCTION app.require_recent(double precision) OWNER TO freehold_definer;
ALTER FUNCTION app.reauthenticate(text) OWNER TO freehold_definer;
ALTER FUNCTION app.change_password(text, text) OWNER TO freehold_definer;
ALTER FUNCTION app.change_username(text, text, double precision) OWNER TO freehold_definer;
ALTER FUNCTION app.delete_account(text, double precision) OWNER TO freehold_definer;
ALTER FUNCTION app.find_credentials(text) OWNER TO freehold_definer;
ALTER FUNCTION app.refuse_sign_in(uuid) OWNER TO freehold_definer;
ALTER FUNCTION app.is_known_client(text, text) OWNER TO freehold_definer;
ALTER FUNCTION app.clear_hits(text) OWNER TO freehold_definer;
ALTER FUNCTION app.enqueue_mail(uuid, text, uuid, text, uuid, jsonb, double precision, boolean) OWNER TO freehold_definer;
ALTER FUNCTION app.purge_codes(integer, double precision) OWNER TO freehold_definer;
ALTER FUNCTION app.purge_held_usernames(integer, double precision) OWNER TO freehold_definer;
ALTER FUNCTION app.purge_sign_up_keys(integer, double precision) OWNER TO freehold_definer;
ALTER FUNCTION app.purge_pending(integer, double precision) OWNER TO freehold_definer;

REVOKE CREATE ON SCHEMA app FROM freehold_definer;
