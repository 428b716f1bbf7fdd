-- Groups that are shared with together. One with an address stands for whoever has shown that the address is theirs: it is
-- nobody's, is in no list of groups, and has no member until then.
CREATE TABLE user_groups (
    id          UUID PRIMARY KEY,
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    owner_id    UUID REFERENCES users (id),
    email       TEXT,
    email_key   TEXT,
    version     BIGINT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    updated_at  TIMESTAMPTZ NOT NULL,
    CONSTRAINT user_groups_owner CHECK ((owner_id IS NULL) <> (email_key IS NULL))
);
CREATE UNIQUE INDEX user_groups_email_key ON user_groups (email_key);
CREATE INDEX user_groups_owner_id ON user_groups (owner_id);

CREATE TABLE group_members (
    group_id   UUID NOT NULL REFERENCES user_groups (id) ON DELETE CASCADE,
    user_id    UUID NOT NULL REFERENCES users (id),
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (group_id, user_id)
);
CREATE INDEX group_members_user_id ON group_members (user_id, group_id);

-- What a group may do. `rank` is the role as a number, so that the database finds the strongest: 1 free_busy, 2 viewer,
-- 3 editor, 4 owner. `expires_at`: until when an address that nobody has shown to be theirs is waited for.
CREATE TABLE calendar_group_permissions (
    calendar_id UUID NOT NULL REFERENCES calendars (id),
    group_id    UUID NOT NULL REFERENCES user_groups (id) ON DELETE CASCADE,
    rank        BIGINT NOT NULL CONSTRAINT calendar_group_permissions_rank CHECK (rank BETWEEN 1 AND 4),
    granted_by  UUID,
    created_at  TIMESTAMPTZ NOT NULL,
    updated_at  TIMESTAMPTZ NOT NULL,
    expires_at  TIMESTAMPTZ,
    PRIMARY KEY (calendar_id, group_id)
);
CREATE INDEX calendar_group_permissions_group_id ON calendar_group_permissions (group_id, calendar_id, rank);

CREATE TABLE event_group_permissions (
    event_id    UUID NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    group_id    UUID NOT NULL REFERENCES user_groups (id) ON DELETE CASCADE,
    rank        BIGINT NOT NULL CONSTRAINT event_group_permissions_rank CHECK (rank BETWEEN 1 AND 4),
    granted_by  UUID,
    created_at  TIMESTAMPTZ NOT NULL,
    updated_at  TIMESTAMPTZ NOT NULL,
    expires_at  TIMESTAMPTZ,
    PRIMARY KEY (event_id, group_id)
);
CREATE INDEX event_group_permissions_group_id ON event_group_permissions (group_id, event_id, rank);

ALTER TABLE calendar_permissions ADD COLUMN granted_by UUID;
ALTER TABLE event_permissions ADD COLUMN granted_by UUID;
