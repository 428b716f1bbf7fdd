-- Finding events by words (core/search). `word` is normalised in the program. `field` is the best field it stands in (0 title,
-- 1 category, 2 location, 3 description); `at` is the event's first moment in microseconds, `open` whether those who view its
-- calendar see its words: so that a search finds, orders and leaves out in the index alone.
CREATE TABLE search_words (
    event_id    UUID NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    word        TEXT NOT NULL,
    field       BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    calendar_id UUID NOT NULL,
    open        BOOLEAN NOT NULL,
    PRIMARY KEY (event_id, word)
);
CREATE INDEX search_words_word ON search_words (word, field, at, event_id, calendar_id, open);

-- Every word there ever was since the index was made, and what is left of it when letters are cut out: two words are near each
-- other when they share a cut. Nobody is offered a word from here without an event that they may see and that has it.
CREATE TABLE search_vocabulary (
    word TEXT PRIMARY KEY
);
CREATE TABLE search_cuts (
    cut  TEXT NOT NULL,
    head TEXT NOT NULL,
    PRIMARY KEY (cut, head)
);
