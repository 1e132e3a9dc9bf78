//! Finds the runs that hold some words.
//!
//! Every text is read and looked through; there is no index. Measured on 100,000 runs of 510
//! characters: a trigram index (FTS5) made the file 5.7 times as large and writing 190 times as slow,
//! or twice and 67 times with `detail=none`, which then searched no faster than a plain scan; and it
//! finds nothing by one or two characters, which is what a Chinese word mostly is. The scan takes
//! some 0.7 s a million runs, on its own thread, and its result serves all pages of the query.

use rusqlite::{Connection, Error, ffi, types::ValueRef};

use super::reader::IsCancelled;
use crate::endpoint::TargetId;

/// The columns that are looked through, beside the target's name.
const TEXTS: [&str; 5] = ["prompt", "text", "refusal", "calls", "fault_message"];

/// Puts the keys of all runs that hold every word of `text` into `temp.hit`, and says how many they are.
/// Case makes no difference.
///
/// # Errors
/// If the file can't be read, or no one waits any more.
pub(super) fn fill_hits(
    file: &Connection,
    targets: &[(i64, TargetId)],
    text: &str,
    is_cancelled: IsCancelled<'_>,
) -> rusqlite::Result<usize> {
    file.execute_batch(
        "CREATE TEMP TABLE IF NOT EXISTS hit (id INTEGER PRIMARY KEY); DELETE FROM temp.hit;",
    )?;
    let words = Words::new(text, targets);
    let mut insert = file.prepare_cached("INSERT INTO temp.hit VALUES (?1)")?;
    let mut select = file.prepare_cached(&format!(
        "SELECT id, target, {} FROM run_text",
        TEXTS.join(", ")
    ))?;
    let mut rows = select.query([])?;
    let (mut seen, mut hits) = (0_usize, 0);
    let mut folded = String::new();
    while let Some(row) = rows.next()? {
        seen += 1;
        if seen.is_multiple_of(2048) && is_cancelled() {
            return Err(cancelled());
        }
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
            insert.execute([row.get::<_, i64>(0)?])?;
            hits += 1;
        }
    }
    Ok(hits)
}

/// What a question that no one waits for any more ends in.
pub(super) fn cancelled() -> Error {
    Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_INTERRUPT), None)
}

/// The words of a query, in lower case.
struct Words {
    all: Vec<String>,
    /// Targets whose names hold some of the words, and the words they don't hold.
    targets: Vec<(i64, Vec<usize>)>,
    /// Whether letters beyond ASCII have to be folded: they do if a word has any that know case.
    beyond_ascii: bool,
}

impl Words {
    fn new(text: &str, targets: &[(i64, TargetId)]) -> Self {
        let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
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

    /// The words that still have to be found in a run to this target.
    fn not_in_target(&self, target: i64) -> Vec<&str> {
        let known = self.targets.iter().find(|(id, _)| *id == target);
        match known {
            Some((_, left)) => left.iter().map(|n| self.all[*n].as_str()).collect(),
            None => self.all.iter().map(String::as_str).collect(),
        }
    }

    /// Puts the text in lower case, as far as the words need it.
    fn fold(&self, bytes: &[u8], into: &mut String) {
        into.clear();
        let text = String::from_utf8_lossy(bytes);
        if self.beyond_ascii && !text.is_ascii() {
            into.push_str(&text.to_lowercase());
        } else {
            into.push_str(&text);
            into.make_ascii_lowercase();
        }
    }
}
