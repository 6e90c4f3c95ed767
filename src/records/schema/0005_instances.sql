-- Programs that write here, by the name that each gives itself at its start; `seen` is by the database's clock.
CREATE TABLE instances (
    id TEXT PRIMARY KEY,
    started BIGINT NOT NULL,
    seen BIGINT NOT NULL
);

-- Which of them has the call: what one that has died leaves open, another closes.
ALTER TABLE calls ADD COLUMN instance TEXT;

CREATE INDEX calls_open ON calls (instance) WHERE ended IS NULL;

-- Transcripts are read in pieces, in the order in which they were spoken.
CREATE INDEX utterances_spoken ON utterances (call, spoken, speaker, number);

-- What was erased, so that records which still wait somewhere do not bring it back: a call by its id, a number by a
-- fingerprint for calls that began before.
CREATE TABLE erased (
    what TEXT PRIMARY KEY,
    at BIGINT NOT NULL
);

CREATE INDEX erased_at ON erased (at);

-- There while something was erased whose traces in the database's files have not been removed yet: when the first and the
-- last of it was erased.
CREATE TABLE traces (
    id BIGINT PRIMARY KEY,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL
);
