-- The words of calls that have ended, each word once, as src/records/search.rs prepares them.
CREATE TABLE searched (
    call TEXT PRIMARY KEY,
    words TSVECTOR NOT NULL
);

CREATE INDEX searched_words ON searched USING GIN (words);
