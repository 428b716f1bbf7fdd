-- Share links: events under an address that nobody can guess. Of the address only the digest is kept.
CREATE TABLE share_links (
    id           UUID PRIMARY KEY,
    user_id      UUID NOT NULL REFERENCES users (id),
    name         TEXT,
    digest       BYTEA NOT NULL,
    -- The events as a JSON list of ids. What is gone, or no more the maker's to share, is left out when it is read.
    event_ids    TEXT NOT NULL,
    busy_only    BOOLEAN NOT NULL,
    expires_at   TIMESTAMPTZ,
    created_at   TIMESTAMPTZ NOT NULL,
    last_used_at TIMESTAMPTZ,
    revoked_at   TIMESTAMPTZ
);
CREATE UNIQUE INDEX share_links_digest ON share_links (digest);
CREATE INDEX share_links_user_id ON share_links (user_id);
