//! `tokenscope compare --mark`: shows pairs of answers without a word of whose is whose, and asks which is better.
//!
//! Each mark is kept before the next pair is shown, so that it can be ended at any time and goes on from there. Answers
//! and questions go to standard error; what was preferred is told on standard output at the end.

use std::{
    fmt::Write as _,
    io::{self, BufRead, IsTerminal as _, Write as _},
    process::ExitCode,
};

use anyhow::bail;

use super::{saved, table};
use crate::{
    cli::{
        UsageError, note, stored,
        terminal::{stderr, stdout},
    },
    compare::{
        BlindPair, CompareState, ComparisonId, MarkChoice, PairMark, SavedComparison,
        comparison_line,
    },
    history::History,
    record,
    settings::Paths,
};

/// What can be typed.
const KEYS: &str =
    "1: answer 1 is better, 2: answer 2 is better, 3: they are as good, s: skip, q: end";

pub(super) fn run(paths: &Paths, id: &str, as_json: bool) -> anyhow::Result<ExitCode> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        let why = "--mark shows answers and asks which is better: run it at a terminal, its standard error too";
        return Err(UsageError::new(why).into());
    }
    let saved = stored::read(paths, async |history| {
        let saved = saved::read(history, id).await?;
        let marking = Marking {
            history,
            saved: &saved,
            input: io::stdin().lock(),
            show: |text: &str| {
                // Writing to it can't fail. It is not held while a key is waited for: others write to it, too.
                let _ = stderr().write_all(text.as_bytes());
            },
        };
        marking.run().await?;
        saved::read(history, &saved.head.id.to_string()).await
    })?;
    let state = CompareState::of_saved(saved);
    let mut out = stdout();
    if as_json {
        record::write_line(&mut out, &comparison_line(&state))?;
    } else if state.result.preferences.is_empty() {
        note("no pair of answers is marked yet");
    } else {
        out.write_all(table::preferences(&state).as_bytes())?;
    }
    out.end()?;
    Ok(ExitCode::SUCCESS)
}

/// Asks for the marks that a comparison lacks.
struct Marking<'a, I, S> {
    history: &'a History,
    saved: &'a SavedComparison,
    /// Where keys come from.
    input: I,
    /// Shows a text.
    show: S,
}

impl<I: BufRead, S: FnMut(&str)> Marking<'_, I, S> {
    /// Shows pair after pair, those of one arm after those of another, until all are marked or a person ends it.
    ///
    /// # Errors
    /// If the history can't be read, or a mark is not kept.
    async fn run(mut self) -> anyhow::Result<()> {
        let (plan, rounds) = (&self.saved.head.plan, &self.saved.rounds);
        let arms = 1..plan.arms.len();
        let all: Vec<BlindPair> = arms
            .flat_map(|arm| BlindPair::all(plan, rounds, arm))
            .collect();
        let open = all.iter().enumerate();
        let open: Vec<_> = open
            .filter(|(_, pair)| !pair.is_marked(&self.saved.marks))
            .collect();
        (self.show)(&format!(
            "{} of {} pairs of answers are marked.\n",
            all.len() - open.len(),
            all.len()
        ));
        let mut gone = 0;
        for (n, pair) in open {
            let Some(answers) = self.answers(pair).await? else {
                gone += 1;
                continue;
            };
            let asked = pair.asked(plan);
            (self.show)(&page((n + 1, all.len()), &asked, &answers));
            let Some(choice) = choice(&mut self.input, &mut self.show)? else {
                break;
            };
            if let Some(mark) = pair.mark(choice) {
                let (round, arm) = (pair.round, pair.arm);
                self.keep(PairMark { round, arm, mark }).await?;
            }
        }
        if gone > 0 {
            (self.show)(&format!(
                "{gone} pairs can't be shown: their runs are no longer in the history.\n"
            ));
        }
        Ok(())
    }

    /// The texts of both answers; `None` if a run is no longer there.
    async fn answers(&self, pair: &BlindPair) -> anyhow::Result<Option<[String; 2]>> {
        let [left, right] = pair.runs;
        let left = self.history.run(left).await?;
        let right = self.history.run(right).await?;
        Ok(left
            .zip(right)
            .map(|(left, right)| [left.answer.text, right.answer.text]))
    }

    /// Keeps a mark, and waits until it is kept.
    async fn keep(&self, mark: PairMark) -> anyhow::Result<()> {
        let id: ComparisonId = self.saved.head.id;
        (self.history).put_mark(id, mark.round, mark.arm, Some(mark.mark));
        self.history.flush().await;
        if !self.history.marks(id).await?.contains(&mark) {
            bail!("the mark was not kept: the history can't be written now");
        }
        Ok(())
    }
}

/// What is thought of the pair that is shown; `None` to end.
fn choice(input: &mut impl BufRead, show: &mut impl FnMut(&str)) -> io::Result<Option<MarkChoice>> {
    loop {
        show(&format!("{KEYS}, then Enter: "));
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            show("\n");
            return Ok(None);
        }
        match line.trim() {
            "1" => return Ok(Some(MarkChoice::Left)),
            "2" => return Ok(Some(MarkChoice::Right)),
            "3" => return Ok(Some(MarkChoice::Same)),
            "s" | "S" => return Ok(Some(MarkChoice::Skip)),
            "q" | "Q" => return Ok(None),
            _ => {}
        }
    }
}

/// Two answers, one below the other.
fn page((n, of): (usize, usize), asked: &str, [one, other]: &[String; 2]) -> String {
    let mut text = format!("\nPair {n} of {of}\n");
    for (name, said) in [("Asked", asked), ("Answer 1", one), ("Answer 2", other)] {
        let said = match said.trim_end() {
            "" => "(no text)",
            said => said,
        };
        // Writing to a String can't fail.
        let _ = writeln!(text, "── {name} ──\n{said}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_is_taken_for_each_pair_until_the_end() {
        let mut typed = "1\n 2 \nno\n3\ns\nq\n".as_bytes();
        let mut shown = 0;
        let mut next = || choice(&mut typed, &mut |_: &str| shown += 1).unwrap();
        assert_eq!(next(), Some(MarkChoice::Left));
        assert_eq!(next(), Some(MarkChoice::Right));
        assert_eq!(next(), Some(MarkChoice::Same), "after what was no key");
        assert_eq!(next(), Some(MarkChoice::Skip));
        assert_eq!(next(), None, "by q");
        assert_eq!(next(), None, "by the end of input");
        assert_eq!(shown, 8, "asked again once, and a line at the end");
    }

    #[test]
    fn a_page_tells_what_was_asked_and_both_answers() {
        let page = page((3, 9), "why?", &["because\n".into(), String::new()]);
        let expected = "\nPair 3 of 9\n── Asked ──\nwhy?\n── Answer 1 ──\nbecause\n── Answer 2 ──\n(no text)\n";
        assert_eq!(page, expected);
    }
}
