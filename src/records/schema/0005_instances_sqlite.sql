-- The words that the index of words holds.
CREATE VIRTUAL TABLE searched_terms USING fts5vocab (searched_words, row);
