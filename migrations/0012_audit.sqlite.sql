-- Who did what, through which door and from where (rule 31). A row is written in the transaction of what it tells of and
-- never changed; seals are a chain of digests over the rows in the order of (tx, seq), as in the change log.
CREATE TABLE audit (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    at         TIMESTAMPTZ NOT NULL,
    action     TEXT NOT NULL CONSTRAINT audit_action CHECK (action IN ('write', 'export', 'admin_view', 'sign_in')),
    result     TEXT NOT NULL,
    actor_id   UUID,
    door       TEXT NOT NULL,
    address    TEXT,
    request_id TEXT NOT NULL,
    op         TEXT,
    kind       TEXT,
    record_id  UUID,
    count      BIGINT NOT NULL,
    detail     TEXT,
    tx         BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX audit_at ON audit (at, tx, seq);
CREATE INDEX audit_actor_id ON audit (actor_id, at, tx, seq);

CREATE TABLE audit_seals (
    n           BIGINT PRIMARY KEY,
    tx          BIGINT NOT NULL,
    seq         BIGINT NOT NULL,
    rows_sealed BIGINT NOT NULL,
    hash        TEXT NOT NULL,
    at          TIMESTAMPTZ NOT NULL
);

-- One row, there for being locked: one node seals at a time.
CREATE TABLE audit_lock (n BIGINT PRIMARY KEY);
INSERT INTO audit_lock (n) VALUES (1);

-- Sign-ins that failed, until their minute is over; then they are one row of the audit log.
CREATE TABLE failed_sign_ins (
    minute  TIMESTAMPTZ NOT NULL,
    address TEXT NOT NULL,
    count   BIGINT NOT NULL,
    PRIMARY KEY (minute, address)
);

-- The row number alone says the position here, and this index kept the planner from better ones.
DROP INDEX changes_position;
