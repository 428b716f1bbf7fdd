-- Accounts, sessions, tokens. One text for both engines: SQLite takes any type name (UUIDs are 16 bytes there, times
-- microseconds since 1970, documents are text on both). Never DEFAULT now(): time comes from the command.

CREATE TABLE settings (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE users (
    id                UUID PRIMARY KEY,
    username          TEXT NOT NULL,
    username_key      TEXT NOT NULL,
    email             TEXT,
    email_key         TEXT,
    email_verified_at TIMESTAMPTZ,
    name              TEXT NOT NULL,
    name_key          TEXT NOT NULL,
    password_hash     TEXT,
    role              TEXT NOT NULL CONSTRAINT users_role CHECK (role IN ('user', 'organizer', 'admin')),
    locale            TEXT NOT NULL,
    time_zone         TEXT NOT NULL,
    disabled          BOOLEAN NOT NULL,
    version           BIGINT NOT NULL,
    created_at        TIMESTAMPTZ NOT NULL,
    updated_at        TIMESTAMPTZ NOT NULL,
    deleted_at        TIMESTAMPTZ
);
CREATE UNIQUE INDEX users_username_key ON users (username_key);
CREATE UNIQUE INDEX users_email_key ON users (email_key);

CREATE TABLE sessions (
    id           UUID PRIMARY KEY,
    user_id      UUID NOT NULL REFERENCES users (id),
    created_at   TIMESTAMPTZ NOT NULL,
    last_used_at TIMESTAMPTZ NOT NULL,
    expires_at   TIMESTAMPTZ NOT NULL,
    ended_at     TIMESTAMPTZ,
    user_agent   TEXT NOT NULL,
    address      TEXT NOT NULL
);
CREATE INDEX sessions_user_id ON sessions (user_id);

-- Only digests (SHA-256) of tokens are kept: who reads the database cannot sign in with it.
CREATE TABLE access_tokens (
    digest     BYTEA PRIMARY KEY,
    session_id UUID NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX access_tokens_session_id ON access_tokens (session_id);

CREATE TABLE refresh_tokens (
    digest     BYTEA PRIMARY KEY,
    session_id UUID NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    expires_at TIMESTAMPTZ NOT NULL,
    spent_at   TIMESTAMPTZ
);
CREATE INDEX refresh_tokens_session_id ON refresh_tokens (session_id);

CREATE TABLE personal_tokens (
    id           UUID PRIMARY KEY,
    user_id      UUID NOT NULL REFERENCES users (id),
    name         TEXT NOT NULL,
    digest       BYTEA NOT NULL,
    scopes       TEXT NOT NULL,
    created_at   TIMESTAMPTZ NOT NULL,
    expires_at   TIMESTAMPTZ,
    last_used_at TIMESTAMPTZ,
    revoked_at   TIMESTAMPTZ
);
CREATE UNIQUE INDEX personal_tokens_digest ON personal_tokens (digest);
CREATE INDEX personal_tokens_user_id ON personal_tokens (user_id);

-- The answer of a committed command, for a retry with the same key (rule 8). `id` is the digest of
-- actor + method + path + key (anonymous: + body).
CREATE TABLE idempotency_keys (
    id          BYTEA PRIMARY KEY,
    body_digest BYTEA NOT NULL,
    status      BIGINT NOT NULL,
    reply       TEXT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL
);
CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);
