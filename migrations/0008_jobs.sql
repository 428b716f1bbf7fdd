-- Background work. A row is written in the transaction of the command that wants it; whoever runs it holds a lease until
-- `lease_until` and names itself in `lease_by`, so that a worker that is gone is followed by another.
CREATE TABLE jobs (
    id            UUID PRIMARY KEY,
    kind          TEXT NOT NULL,
    state         TEXT NOT NULL CONSTRAINT jobs_state CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled', 'reverted')),
    user_id       UUID REFERENCES users (id),
    as_admin      BOOLEAN NOT NULL,
    args          TEXT NOT NULL,
    done          BIGINT NOT NULL,
    total         BIGINT,
    log           TEXT NOT NULL,
    result        TEXT,
    attempts      BIGINT NOT NULL,
    run_at        TIMESTAMPTZ NOT NULL,
    lease_by      UUID,
    lease_until   TIMESTAMPTZ,
    cancel_wanted BOOLEAN NOT NULL,
    undoing       BOOLEAN NOT NULL,
    created_at    TIMESTAMPTZ NOT NULL,
    updated_at    TIMESTAMPTZ NOT NULL,
    finished_at   TIMESTAMPTZ
);
CREATE INDEX jobs_due ON jobs (run_at) WHERE state IN ('queued', 'running');
CREATE INDEX jobs_user_id ON jobs (user_id, id);
