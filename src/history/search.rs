//! Full-text search: finds the runs that hold all given words.
//!
//! Every text is scanned; there is no index. Measured on 100,000 runs of 510 characters: a trigram index (FTS5) made
//! the file 5.7 times as large and writing 190 times as slow, or twice and 67 times with `detail=none`, which then
//! searched no faster than a plain scan; and it finds nothing by one or two characters, which is what a Chinese word
//! mostly is. The scan takes half the time of SQLite's own `LIKE` (1.7 s against 3.2 s for a million runs of 510
//! characters on two busy cores), runs on its own thread, and its result serves all pages of the query.

use rusqlite::{Connection, types::ValueRef};

use super::reader::{IsCancelled, for_each_row};
use crate::endpoint::TargetId;

/// The columns that are searched, beside the target's name.
const TEXTS: [&str; 5] = ["prompt", "text", "refusal", "calls", "fault_message"];

/// Whether every hit of `new` is a hit of `old`.
pub(super) fn narrows(old: &str, new: &str) -> bool {
    let new: Vec<String> = words(new).collect();
    words(old).all(|old| new.iter().any(|new| new.contains(&old)))
}

/// Fills `temp.hit` with the ids of all runs that hold every word of `text`, whatever the case, and returns their
/// number. `among_hits` searches only the runs that are in `temp.hit` already.
///
/// # Errors
/// If the file can't be read, or the query is cancelled; `temp.hit` is unchanged then.
pub(super) fn fill_hits(
    file: &Connection,
    targets: &[(i64, TargetId)],
    text: &str,
    among_hits: bool,
    is_cancelled: IsCancelled<'_>,
) -> rusqlite::Result<usize> {
    file.execute_batch("CREATE TEMP TABLE IF NOT EXISTS hit (id INTEGER PRIMARY KEY)")?;
    let found = scan(
        file,
        &SearchWords::new(text, targets),
        among_hits,
        is_cancelled,
    )?;
    file.execute_batch("DELETE FROM temp.hit")?;
    let mut insert = file.prepare_cached("INSERT INTO temp.hit VALUES (?1)")?;
    for id in &found {
        insert.execute([id])?;
    }
    Ok(found.len())
}

fn scan(
    file: &Connection,
    words: &SearchWords,
    among_hits: bool,
    is_cancelled: IsCancelled<'_>,
) -> rusqlite::Result<Vec<i64>> {
    let from = if among_hits {
        "temp.hit CROSS JOIN run_text ON run_text.id = hit.id"
    } else {
        "run_text"
    };
    let texts = TEXTS.join(", ");
    let mut select = file.prepare(&format!("SELECT run_text.id, target, {texts} FROM {from}"))?;
    let mut found = Vec::new();
    let mut folded = String::new();
    for_each_row(select.query([])?, is_cancelled, |row| {
        let mut left = words.not_in_target(row.get(1)?);
        for column in 2..2 + TEXTS.len() {
            if left.is_empty() {
                break;
            }
            if let ValueRef::Text(bytes) = row.get_ref(column)? {
                words.fold(bytes, &mut folded);
                left.retain(|word| !folded.contains(*word));
            }
        }
        if left.is_empty() {
            found.push(row.get(0)?);
        }
        Ok(())
    })?;
    Ok(found)
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split_whitespace().map(str::to_lowercase)
}

/// The words of a query, in lower case.
struct SearchWords {
    all: Vec<String>,
    /// Targets whose names hold some of the words, and the words they don't hold.
    targets: Vec<(i64, Vec<usize>)>,
    /// Whether letters beyond ASCII have to be lowercased: only if a word has such a letter.
    beyond_ascii: bool,
}

impl SearchWords {
    fn new(text: &str, targets: &[(i64, TargetId)]) -> Self {
        let words: Vec<String> = words(text).collect();
        let knows_case = |c: char| !c.is_ascii() && c.is_alphabetic() && c.is_lowercase();
        let beyond_ascii = words.iter().any(|word| word.contains(knows_case));
        let targets = targets
            .iter()
            .map(|(id, target)| {
                let name = target.to_string().to_lowercase();
                let left = (0..words.len()).filter(|n| !name.contains(&words[*n]));
                (*id, left.collect())
            })
            .collect();
        Self {
            all: words,
            targets,
            beyond_ascii,
        }
    }

    /// The words that the target's name does not hold.
    fn not_in_target(&self, target: i64) -> Vec<&str> {
        let known = self.targets.iter().find(|(id, _)| *id == target);
        match known {
            Some((_, left)) => left.iter().map(|n| self.all[*n].as_str()).collect(),
            None => self.all.iter().map(String::as_str).collect(),
        }
    }

    /// Lowercases the text, as far as the words need it.
    fn fold(&self, bytes: &[u8], into: &mut String) {
        into.clear();
        // What this program wrote is UTF-8; checking that is much cheaper than repairing it.
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        if self.beyond_ascii && !text.is_ascii() {
            into.push_str(&text.to_lowercase());
        } else {
            into.push_str(text);
            into.make_ascii_lowercase();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::narrows;

    #[test]
    fn more_text_narrows_and_less_does_not() {
        for (old, new, is) in [
            ("gate", "gateway", true),
            ("gate", "gateway slow", true),
            ("gate slow", "SLOWER gateway", true),
            ("gateway", "gate", false),
            ("gate slow", "gateway", false),
        ] {
            assert_eq!(narrows(old, new), is, "{old} to {new}");
        }
    }
}
