-- One row per change; everything else reacts to it. The order is (tx, seq): the transaction's id, then the order within it.
-- A reader takes only rows whose tx is below pg_snapshot_xmin, so a transaction that commits late is never skipped.
CREATE TABLE changes (
    tx          BIGINT NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),
    seq         BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY,
    at          TIMESTAMPTZ NOT NULL,
    kind        TEXT NOT NULL,
    op          TEXT NOT NULL,
    record_id   UUID NOT NULL,
    calendar_id UUID,
    user_id     UUID,
    version     BIGINT,
    actor_id    UUID,
    door        TEXT NOT NULL,
    request_id  TEXT NOT NULL,
    detail      TEXT,
    PRIMARY KEY (tx, seq)
);
CREATE INDEX changes_record_id ON changes (record_id, kind);
