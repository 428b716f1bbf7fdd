-- Secret feeds: calendars under an address that only its owner knows. Of the address only the digest is kept.
CREATE TABLE feeds (
    id           UUID PRIMARY KEY,
    user_id      UUID NOT NULL REFERENCES users (id),
    name         TEXT NOT NULL,
    digest       BYTEA NOT NULL,
    -- The calendars as a JSON list of ids; NULL for all that are shared with the owner.
    calendar_ids TEXT,
    busy_only    BOOLEAN NOT NULL,
    created_at   TIMESTAMPTZ NOT NULL,
    last_used_at TIMESTAMPTZ,
    revoked_at   TIMESTAMPTZ
);
CREATE UNIQUE INDEX feeds_digest ON feeds (digest);
CREATE INDEX feeds_user_id ON feeds (user_id);

-- Feeds page through a calendar by when its events were made, because that never changes.
CREATE INDEX events_calendar_id_created_at_id ON events (calendar_id, created_at, id) WHERE deleted_at IS NULL;
