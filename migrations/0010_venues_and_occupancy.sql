CREATE TABLE venues (
    id          UUID PRIMARY KEY,
    owner_id    UUID NOT NULL REFERENCES users (id),
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    capacity    BIGINT,
    time_zone   TEXT NOT NULL,
    conflicts   TEXT NOT NULL CONSTRAINT venues_conflicts CHECK (conflicts IN ('ignore', 'warn', 'reject')),
    version     BIGINT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    updated_at  TIMESTAMPTZ NOT NULL,
    deleted_at  TIMESTAMPTZ
);
CREATE INDEX venues_name_id ON venues (name, id) WHERE deleted_at IS NULL;

-- Where the event is, from its content, for the filter of lists.
ALTER TABLE events ADD COLUMN venue_id UUID;
CREATE INDEX events_venue_id ON events (venue_id) WHERE venue_id IS NOT NULL;

-- Whose time an event takes: a row for its calendar, each of its venues and each of its people (`subject_id` is the id of
-- any of them), with the event's window. Only of events that take time at all: published, busy, not cancelled, not deleted.
-- All of it is derived from the event; `kalends check` compares.
CREATE TABLE occupancy (
    event_id   UUID NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    subject_id UUID NOT NULL,
    reach      BIGINT NOT NULL,
    starts_at  TIMESTAMPTZ NOT NULL,
    ends_at    TIMESTAMPTZ,
    PRIMARY KEY (event_id, subject_id)
);
-- A window of one subject is found in the index alone.
CREATE INDEX occupancy_window ON occupancy (subject_id, reach, starts_at, ends_at, event_id);
