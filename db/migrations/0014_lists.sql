-- Indexes from which a page reads the rows that its viewer sees, and no others; see db.Listing.

-- +goose Up

DROP INDEX app.profiles_newest;
CREATE INDEX profiles_newest ON app.profiles (visibility, created_at, id);

-- In the order of when sessions end or have ended. An account has few live ones, and may have many others.
DROP INDEX app.sessions_newest;
CREATE INDEX sessions_live ON app.sessions (user_id, LEAST(expires_at, idle_expires_at, revoked_at));
