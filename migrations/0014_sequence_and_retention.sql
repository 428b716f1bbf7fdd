-- Where an event's SEQUENCE (RFC 5545 3.8.7.4) begins: it came in with a number, and each version since counts on from there.
ALTER TABLE events ADD COLUMN sequence_from BIGINT NOT NULL DEFAULT 0;
-- CREATED of an event that came in from elsewhere: when it was first made there.
ALTER TABLE events ADD COLUMN first_made_at TIMESTAMPTZ;
-- Jobs that are over, the oldest first: they are kept for a while.
CREATE INDEX jobs_finished_at ON jobs (finished_at);
