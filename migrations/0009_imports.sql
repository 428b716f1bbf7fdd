-- Files that people sent, kept so that every node has them and the original text stays.
CREATE TABLE uploads (
    id         UUID PRIMARY KEY,
    user_id    UUID NOT NULL REFERENCES users (id),
    name       TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size       BIGINT NOT NULL,
    digest     BYTEA NOT NULL,
    content    BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX uploads_user_id ON uploads (user_id);

-- What an import did with each event of its file, for the report and for undoing it. `seq` is the order of the file.
CREATE TABLE import_rows (
    job_id        UUID NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    seq           BIGINT NOT NULL,
    line          BIGINT NOT NULL,
    uid           TEXT,
    title         TEXT,
    action        TEXT NOT NULL,
    problem       TEXT,
    warnings      TEXT NOT NULL,
    event_id      UUID,
    version       BIGINT,
    before        BIGINT,
    source_before TEXT,
    PRIMARY KEY (job_id, seq)
);

-- What an event was last imported as: the same again changes nothing, and of two states the newer wins.
CREATE TABLE event_sources (
    event_id      UUID PRIMARY KEY REFERENCES events (id) ON DELETE CASCADE,
    sequence      BIGINT NOT NULL,
    last_modified TIMESTAMPTZ,
    digest        BYTEA NOT NULL,
    version       BIGINT NOT NULL
);
