CREATE TABLE calendars (
    id          UUID PRIMARY KEY,
    owner_id    UUID NOT NULL REFERENCES users (id),
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    color       TEXT,
    time_zone   TEXT NOT NULL,
    visibility  TEXT NOT NULL CONSTRAINT calendars_visibility CHECK (visibility IN ('private', 'internal', 'public')),
    review      TEXT NOT NULL CONSTRAINT calendars_review CHECK (review IN ('none', 'required')),
    conflicts   TEXT NOT NULL CONSTRAINT calendars_conflicts CHECK (conflicts IN ('ignore', 'warn', 'reject')),
    is_default  BOOLEAN NOT NULL,
    version     BIGINT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    updated_at  TIMESTAMPTZ NOT NULL,
    deleted_at  TIMESTAMPTZ
);
CREATE INDEX calendars_owner_id ON calendars (owner_id);
CREATE INDEX calendars_visibility ON calendars (visibility) WHERE deleted_at IS NULL AND visibility <> 'private';

CREATE TABLE calendar_permissions (
    calendar_id UUID NOT NULL REFERENCES calendars (id),
    user_id     UUID NOT NULL REFERENCES users (id),
    role        TEXT NOT NULL CONSTRAINT calendar_permissions_role CHECK (role IN ('owner', 'editor', 'viewer', 'free_busy')),
    created_at  TIMESTAMPTZ NOT NULL,
    updated_at  TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (calendar_id, user_id)
);
CREATE INDEX calendar_permissions_user_id ON calendar_permissions (user_id);

-- `content` is the event as its people wrote it (wall-clock times and zones: the truth); `starts_at`, `ends_at`, `reach`,
-- `weekday` and `title_key` are derived from it so that the database can find and sort, and `kalends check` compares them.
CREATE TABLE events (
    id          UUID PRIMARY KEY,
    uid         TEXT NOT NULL,
    calendar_id UUID NOT NULL REFERENCES calendars (id),
    author_id   UUID NOT NULL REFERENCES users (id),
    split_from  UUID,
    state       TEXT NOT NULL CONSTRAINT events_state CHECK (state IN ('draft', 'review', 'published', 'refused')),
    submitted   BOOLEAN NOT NULL,
    visibility  TEXT NOT NULL CONSTRAINT events_visibility CHECK (visibility IN ('public', 'private', 'confidential')),
    version     BIGINT NOT NULL,
    content     TEXT NOT NULL,
    starts_at   TIMESTAMPTZ NOT NULL,
    ends_at     TIMESTAMPTZ,
    reach       BIGINT NOT NULL,
    weekday     BIGINT NOT NULL,
    title_key   TEXT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    updated_at  TIMESTAMPTZ NOT NULL,
    deleted_at  TIMESTAMPTZ
);
CREATE UNIQUE INDEX events_calendar_id_uid ON events (calendar_id, uid) WHERE deleted_at IS NULL;
-- How a month view finds its events: by calendar, then by how far an event reaches (`core/events/reach.rs`), then by start.
-- The rest is there so that a window is found in the index alone: an event's row is as long as what people wrote.
CREATE INDEX events_window ON events (calendar_id, reach, starts_at, id, ends_at, state, visibility, version, deleted_at)
    WHERE deleted_at IS NULL;
CREATE INDEX events_calendar_id_starts_at_id ON events (calendar_id, starts_at, id);
CREATE INDEX events_author_id ON events (author_id);

CREATE TABLE event_categories (
    event_id     UUID NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    category_key TEXT NOT NULL,
    PRIMARY KEY (event_id, category_key)
);
CREATE INDEX event_categories_category_key ON event_categories (category_key);

CREATE TABLE event_permissions (
    event_id   UUID NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    user_id    UUID NOT NULL REFERENCES users (id),
    role       TEXT NOT NULL CONSTRAINT event_permissions_role CHECK (role IN ('owner', 'editor', 'viewer', 'free_busy')),
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (event_id, user_id)
);
CREATE INDEX event_permissions_user_id ON event_permissions (user_id);

-- Immutable snapshots, numbered 1, 2, 3 … without gaps.
CREATE TABLE event_versions (
    event_id   UUID NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    version    BIGINT NOT NULL,
    at         TIMESTAMPTZ NOT NULL,
    actor_id   UUID,
    door       TEXT NOT NULL,
    operation  TEXT NOT NULL,
    comment    TEXT,
    changed    TEXT NOT NULL,
    snapshot   TEXT NOT NULL,
    PRIMARY KEY (event_id, version)
);
