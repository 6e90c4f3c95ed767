-- The words of calls that have ended, each word once, as src/records/search.rs prepares them.
CREATE TABLE searched (
    id INTEGER PRIMARY KEY,
    call TEXT NOT NULL UNIQUE,
    words TEXT NOT NULL
);

-- Words are separated by spaces and in their folded form already.
CREATE VIRTUAL TABLE searched_words USING fts5 (
    words, content = 'searched', content_rowid = 'id', detail = 'none', columnsize = 0, tokenize = 'ascii'
);

-- What is erased leaves the index at once, and not with a later merge.
INSERT INTO searched_words (searched_words, rank) VALUES ('secure-delete', 1);

CREATE TRIGGER searched_added AFTER INSERT ON searched BEGIN
    INSERT INTO searched_words (rowid, words) VALUES (new.id, new.words);
END;

CREATE TRIGGER searched_erased AFTER DELETE ON searched BEGIN
    INSERT INTO searched_words (searched_words, rowid, words) VALUES ('delete', old.id, old.words);
END;

CREATE TRIGGER searched_changed AFTER UPDATE ON searched BEGIN
    INSERT INTO searched_words (searched_words, rowid, words) VALUES ('delete', old.id, old.words);
    INSERT INTO searched_words (rowid, words) VALUES (new.id, new.words);
END;
