-- The calendar in which a version was shown whole to those who only view it; NULL for drafts, what is private and the
-- trash. Versions from before this column are shown only to those who see every version.
ALTER TABLE event_versions ADD COLUMN shown_in UUID;
CREATE INDEX event_versions_shown_in ON event_versions (event_id, shown_in, version) WHERE shown_in IS NOT NULL;
