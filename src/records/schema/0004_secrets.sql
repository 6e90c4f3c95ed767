-- Keys that all instances share; the first that needs one makes it.
CREATE TABLE secrets (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- Sign-ins at the identity provider that have ended well, until they would have been too old anyway: none ends twice.
CREATE TABLE sign_ins (
    id TEXT PRIMARY KEY,
    expires BIGINT NOT NULL
);

-- As whom an administrator lets this user come by single sign-on: a verified address, or "sub:" and a subject.
ALTER TABLE users ADD COLUMN sign_on TEXT;

CREATE UNIQUE INDEX users_sign_on ON users (sign_on);

-- Whether the provider has named them. Such a name is not the name of a worker.
ALTER TABLE users ADD COLUMN named_elsewhere BIGINT NOT NULL DEFAULT 0;

-- Whether their worker is what a claim said, so that it goes with the claim.
ALTER TABLE users ADD COLUMN worker_claimed BIGINT NOT NULL DEFAULT 0;

-- Until now every such user may have been named by the provider.
UPDATE users SET named_elsewhere = 1 WHERE subject IS NOT NULL AND password IS NULL;

-- Users whom an administrator has added without a password were meant to come as the address that they are called.
UPDATE users SET sign_on = name WHERE subject IS NULL AND password IS NULL AND name LIKE '%@%';
