//! The words of calls: what of them goes into the database's index, and how it is asked.
//!
//! A call has one entry, with each of its words once, as `fold` makes them: `tsvector` in PostgreSQL, FTS5 in SQLite.
//! Both indexes hold words without their places, so that a call costs little and a common word is not slower than a rare
//! one. Neither database reads texts itself: their ideas of a word differ, and neither knows scripts without spaces.
//! A run of such a script is found by its pieces, and then looked for in what was said.

use std::collections::BTreeSet;

use sqlx::{AssertSqlSafe, Row as _};

use super::fold::{self, Stretch};
use super::insert::places;
use super::pool::{Pool, Transaction};

/// Words of a call that are found, in bytes. PostgreSQL takes a megabyte.
const INDEXED_MAX: usize = 400_000;

/// Words of a question that count.
const WORDS_MAX: usize = 16;

/// Utterances that are read at once.
const PIECE: i64 = 64;

/// Calls that are made searchable in one transaction when they have been left without their words.
const CATCH_UP: i64 = 200;

/// What somebody looks for. It holds letters and digits only, so that it cannot mean anything else to a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    words: BTreeSet<String>,
    /// Words that may go on.
    beginnings: BTreeSet<String>,
    /// Runs of scripts without spaces that their pieces alone do not prove.
    pub runs: Vec<String>,
}

impl Words {
    /// The words of a text; the last may be a beginning only. `None` if there are none in it.
    pub fn of(text: &str) -> Option<Self> {
        let mut all = Self {
            words: BTreeSet::new(),
            beginnings: BTreeSet::new(),
            runs: Vec::new(),
        };
        let mut stretches = fold::stretches(text);
        stretches.truncate(WORDS_MAX);
        let last = stretches.len().checked_sub(1)?;
        for (at, stretch) in stretches.into_iter().enumerate() {
            match stretch {
                Stretch::Word(word) if at == last => _ = all.beginnings.insert(word),
                Stretch::Word(word) => _ = all.words.insert(word),
                // A character stands in its pieces with the one that follows.
                Stretch::Run(run) if run.len() == 1 => _ = all.beginnings.insert(run.into_iter().collect()),
                Stretch::Run(run) => {
                    all.words.extend(fold::pieces(&run).take(run.len() - 1));
                    if run.len() > 2 {
                        all.runs.push(run.into_iter().collect());
                    }
                }
            }
        }
        Some(all)
    }

    /// How the database's index is asked for them.
    pub fn wanted(&self, sqlite: bool) -> String {
        let (quote, beginning, and) = if sqlite {
            ('"', " *", " AND ")
        } else {
            ('\'', ":*", " & ")
        };
        let words = self.words.iter().map(|word| format!("{quote}{word}{quote}"));
        let beginnings = self.beginnings.iter();
        let beginnings = beginnings.map(|word| format!("{quote}{word}{quote}{beginning}"));
        words.chain(beginnings).collect::<Vec<_>>().join(and)
    }

    /// The condition on a call `c`; `wanted` names the text from above.
    pub fn condition(sqlite: bool, wanted: &str) -> String {
        if sqlite {
            format!(
                "c.id IN (SELECT s.call FROM searched_words JOIN searched s ON s.id = searched_words.rowid \
                 WHERE searched_words MATCH {wanted})"
            )
        } else {
            format!("c.id IN (SELECT s.call FROM searched s WHERE s.words @@ CAST({wanted} AS tsquery))")
        }
    }

    /// The condition on a call `c` that one of the runs was said in it; `run` names the text between two `%`.
    pub fn run_condition(run: &str) -> String {
        format!(
            "EXISTS (SELECT 1 FROM utterances r WHERE r.call = c.id AND (r.source LIKE {run} OR r.target LIKE {run}))"
        )
    }
}

/// Brings the words of those of these calls up to date that have ended.
pub async fn index(
    calls: BTreeSet<&str>,
    sqlite: bool,
    transaction: &mut Transaction,
) -> Result<(), sqlx::Error> {
    if calls.is_empty() {
        return Ok(());
    }
    let text = format!(
        "SELECT id FROM calls WHERE ended IS NOT NULL AND id IN ({})",
        places(sqlite, calls.len())
    );
    let mut query = sqlx::query(AssertSqlSafe(text)).persistent(false);
    for call in calls {
        query = query.bind(call.to_owned());
    }
    for row in query.fetch_all(&mut **transaction).await? {
        index_one(row.try_get(0)?, sqlite, transaction).await?;
    }
    Ok(())
}

async fn index_one(call: String, sqlite: bool, transaction: &mut Transaction) -> Result<(), sqlx::Error> {
    let mut words = BTreeSet::new();
    let mut length = 0;
    // In pieces: a long call need not lie in memory.
    let mut after = (String::new(), i64::MIN);
    loop {
        let text = "SELECT speaker, number, source, target FROM utterances \
             WHERE call = $1 AND (speaker, number) > ($2, $3) ORDER BY speaker, number LIMIT $4";
        let said = sqlx::query(text).bind(call.clone()).bind(after.0).bind(after.1);
        let said = said.bind(PIECE).fetch_all(&mut **transaction).await?;
        for row in &said {
            for column in ["source", "target"] {
                for stretch in fold::stretches(row.try_get(column)?) {
                    let mut add = |word: String| {
                        let size = word.len() + 3;
                        if length + size <= INDEXED_MAX && words.insert(word) {
                            length += size;
                        }
                    };
                    match stretch {
                        Stretch::Word(word) => add(word),
                        Stretch::Run(run) => fold::pieces(&run).for_each(add),
                    }
                }
            }
        }
        let Some(last) = said.last() else { break };
        after = (last.try_get("speaker")?, last.try_get("number")?);
    }
    let quoted = |word: String| if sqlite { word } else { format!("'{word}'") };
    let words: Vec<String> = words.into_iter().map(quoted).collect();
    let text = if sqlite {
        "INSERT INTO searched (call, words) VALUES ($1, $2) ON CONFLICT (call) DO UPDATE SET words = excluded.words"
    } else {
        "INSERT INTO searched (call, words) VALUES ($1, CAST($2 AS tsvector)) \
         ON CONFLICT (call) DO UPDATE SET words = excluded.words"
    };
    let insert = sqlx::query(text).bind(call).bind(words.join(" "));
    insert.execute(&mut **transaction).await?;
    Ok(())
}

/// Makes calls searchable that have ended without becoming so: an earlier version has written them.
pub async fn catch_up(pool: &Pool, sqlite: bool) -> Result<(), sqlx::Error> {
    loop {
        let mut transaction = pool.begin().await?;
        let text = "SELECT c.id FROM calls c WHERE c.ended IS NOT NULL \
             AND NOT EXISTS (SELECT 1 FROM searched s WHERE s.call = c.id) LIMIT $1";
        let left = sqlx::query(text)
            .bind(CATCH_UP)
            .fetch_all(&mut *transaction)
            .await?;
        if left.is_empty() {
            return transaction.rollback().await;
        }
        for row in left {
            index_one(row.try_get(0)?, sqlite, &mut transaction).await?;
        }
        transaction.commit().await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str) -> Option<(String, String)> {
        Words::of(text).map(|words| (words.wanted(true), words.wanted(false)))
    }

    #[test]
    fn what_is_asked_for_holds_words_only() {
        let (sqlite, postgres) = asked("Refund'; DROP \"x\" NEAR(a,5) & | ! :* tar").expect("words");
        assert_eq!(
            sqlite,
            r#""5" AND "a" AND "drop" AND "near" AND "refund" AND "x" AND "tar" *"#
        );
        assert_eq!(postgres, "'5' & 'a' & 'drop' & 'near' & 'refund' & 'x' & 'tar':*");
        for nothing in ["", "  ", "\"", "*", "%", "-- ;", "“”¿?"] {
            assert_eq!(asked(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn a_run_is_asked_for_by_its_pieces_and_then_as_a_whole() {
        let words = Words::of("信用卡").expect("words");
        assert_eq!(words.wanted(true), r#""信用" AND "用卡""#);
        assert_eq!(words.runs, ["信用卡"]);
        assert_eq!(Words::of("信用").expect("words").runs, [""; 0]);
        assert_eq!(asked("卡").expect("words").0, r#""卡" *"#);
    }

    #[test]
    fn a_question_without_end_is_cut() {
        let words = Words::of(&"word1 x ".repeat(1_000)).expect("words");
        assert!(words.words.len() + words.beginnings.len() <= WORDS_MAX);
    }
}
