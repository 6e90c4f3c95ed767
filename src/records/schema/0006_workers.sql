-- Every spelling that an agent of a call has had, with its folded form (src/name.rs), in which names are compared. Calls keep
-- what the task queue, the softphone or the desk has called their agent.
CREATE TABLE workers (
    name TEXT PRIMARY KEY,
    folded TEXT NOT NULL
);

CREATE INDEX workers_folded ON workers (folded);
