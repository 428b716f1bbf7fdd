-- How delta sync finds its rows: behind a position; of one calendar; what happened to one record since.
CREATE INDEX changes_of_calendar ON changes (calendar_id, tx, seq);
CREATE INDEX changes_of_record ON changes (record_id, kind, tx, seq);
DROP INDEX changes_record_id;
-- A calendar's events in an order that never changes.
CREATE INDEX events_calendar_id_id ON events (calendar_id, id);
