-- One row per change; everything else reacts to it. The single writer makes the order of seq the order of commits;
-- tx is there so that one text of SQL serves both engines, and always 0.
CREATE TABLE changes (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
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
    tx          BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX changes_record_id ON changes (record_id, kind);
