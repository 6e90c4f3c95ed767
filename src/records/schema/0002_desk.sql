-- The number that was dialled, which utterances were typed, what lists are read by, and the desk's own tables.
ALTER TABLE calls ADD COLUMN service_number TEXT NOT NULL DEFAULT '';

ALTER TABLE utterances ADD COLUMN typed BIGINT NOT NULL DEFAULT 0;

-- Languages may change during a call.
ALTER TABLE utterances ADD COLUMN source_language TEXT;

ALTER TABLE utterances ADD COLUMN target_language TEXT;

DROP INDEX calls_started;

CREATE INDEX calls_started ON calls (started, id);

CREATE INDEX calls_agent ON calls (agent, started, id);

CREATE INDEX calls_ended ON calls (ended);

-- Who may sign in at the desk, with a password or through OpenID Connect.
CREATE TABLE users (
    name TEXT PRIMARY KEY,
    password TEXT,
    subject TEXT,
    role TEXT NOT NULL,
    worker TEXT,
    language TEXT,
    disabled BIGINT NOT NULL DEFAULT 0,
    created BIGINT NOT NULL
);

CREATE UNIQUE INDEX users_subject ON users (subject);

-- The id is the SHA-256 of the cookie in hex.
CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    user_name TEXT NOT NULL,
    created BIGINT NOT NULL,
    seen BIGINT NOT NULL
);

CREATE INDEX sessions_user ON sessions (user_name);

-- Canned replies; those without an owner are shared.
CREATE TABLE replies (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    created BIGINT NOT NULL
);

CREATE INDEX replies_owner ON replies (owner);
