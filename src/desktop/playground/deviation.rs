//! The standard deviation of each target's figures, which a difference must exceed to be significant.
//!
//! In: the figures of a conversation's answers, and of the target's latest answers in the history. Out: a standard
//! deviation, if there are enough of them. Pure: no window, no clock.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::sheet::{COMPARED, Sheet};
use crate::{
    endpoint::TargetId,
    history::RunRow,
    run::{ConnectionKind, RunId, RunState},
};

/// How many answers of a target a standard deviation needs.
const MIN_ANSWERS: usize = 3;
/// Answers whose lengths differ by no more than this share are similar.
const SIMILAR: f64 = 0.1;

/// Whether two lengths are about the same.
pub fn is_similar(one: u64, two: u64) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "counts")]
    let [less, more] = [one.min(two), one.max(two)].map(|count| count as f64);
    more <= less * (1.0 + SIMILAR)
}

/// Figures of answers, by target and kind of connection.
#[derive(Debug, Default)]
pub struct Deviations(HashMap<(TargetId, Option<ConnectionKind>), Vec<AnswerFigures>>);

/// The figures of one whole answer.
#[derive(Debug)]
struct AnswerFigures {
    /// In the order of [`COMPARED`].
    values: [Option<f64>; COMPARED.len()],
    output: Option<u64>,
}

impl Deviations {
    /// From the complete answers of a conversation, and from other answers of their targets in the history.
    pub fn of(answers: &[Arc<Sheet>], history: &HashMap<TargetId, Vec<RunRow>>) -> Self {
        let mut all = Self::default();
        for sheet in answers.iter().filter(|sheet| sheet.state == RunState::Ok) {
            let answer = AnswerFigures {
                values: COMPARED.map(|key| sheet.value(key)),
                output: sheet.output(),
            };
            all.add((&sheet.target, sheet.connection), answer);
        }
        let here: HashSet<RunId> = answers.iter().map(|sheet| sheet.run).collect();
        let targets: HashSet<&TargetId> = answers.iter().map(|sheet| &sheet.target).collect();
        let rows = targets.iter().filter_map(|target| history.get(*target));
        for row in rows.flatten().filter(|row| !here.contains(&row.id)) {
            all.add((&row.target, row.connection), AnswerFigures::of_row(row));
        }
        all
    }

    fn add(
        &mut self,
        (target, connection): (&TargetId, Option<ConnectionKind>),
        answer: AnswerFigures,
    ) {
        let group = (target.clone(), connection);
        self.0.entry(group).or_default().push(answer);
    }

    /// The standard deviation of a figure of an answer's target, if there are enough answers. For the total time, only
    /// answers of a similar length count.
    pub fn of_target(&self, key: &str, sheet: &Sheet) -> Option<f64> {
        let at = COMPARED.iter().position(|k| *k == key)?;
        let answers = self.0.get(&(sheet.target.clone(), sheet.connection))?;
        let fits = |answer: &&AnswerFigures| {
            let lengths = answer.output.zip(sheet.output());
            key != "total_ms" || lengths.is_some_and(|(one, two)| is_similar(one, two))
        };
        let values = answers.iter().filter(fits).filter_map(|a| a.values[at]);
        deviation(&values.collect::<Vec<_>>())
    }
}

impl AnswerFigures {
    /// From a row of the history.
    fn of_row(row: &RunRow) -> Self {
        let value = |key: &str| match key {
            "ttft_ms" => row.ttft_ms,
            "output_speed_tps" => row.output_speed,
            "total_ms" => row.total_ms,
            _ => None,
        };
        Self {
            values: COMPARED.map(value),
            output: row.output_tokens,
        }
    }
}

fn deviation(values: &[f64]) -> Option<f64> {
    if values.len() < MIN_ANSWERS {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "a hundred answers")]
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some((squares / (n - 1.0)).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: i64, connection: ConnectionKind, ttft_ms: f64, output: u64) -> RunRow {
        let sheet = Sheet::made(id, "a", [ttft_ms, 50.0, ttft_ms + 1_000.0], output);
        RunRow {
            id: sheet.run,
            target: sheet.target.clone(),
            route: String::new(),
            state: RunState::Ok,
            fault: None,
            connection: Some(connection),
            simulated: false,
            started_unix_ns: id,
            ttft_ms: sheet.value("ttft_ms"),
            total_ms: sheet.value("total_ms"),
            output_speed: sheet.value("output_speed_tps"),
            input_tokens: None,
            output_tokens: Some(output),
            prompt: String::new(),
        }
    }

    #[test]
    fn the_history_adds_to_the_answers_of_a_conversation() {
        let sheet = Sheet::made(9, "a", [300.0, 50.0, 1_300.0], 100);
        let of = |rows: Vec<RunRow>, sheet: &Sheet| {
            let history = HashMap::from([(sheet.target.clone(), rows)]);
            let deviations = Deviations::of(&[Arc::new(sheet.clone())], &history);
            ["ttft_ms", "total_ms", "ttfo_ms"].map(|key| deviations.of_target(key, sheet))
        };
        let warm = |ids: std::ops::Range<i64>, output| -> Vec<RunRow> {
            let ttft = |id: i64| if id % 2 == 0 { 290.0 } else { 310.0 };
            ids.map(|id| row(id, ConnectionKind::Warm, ttft(id), output))
                .collect()
        };
        // 300, 290 and 310.
        assert_eq!(of(warm(1..3, 100), &sheet), [Some(10.0), Some(10.0), None]);
        assert_eq!(of(warm(1..2, 100), &sheet), [None; 3], "too few");
        assert_eq!(of(warm(9..10, 100), &sheet), [None; 3], "the same run");
        assert_eq!(
            of(warm(1..3, 200), &sheet),
            [Some(10.0), None, None],
            "answers twice as long do not count for the total"
        );
        assert_eq!(of(warm(1..3, 100), &sheet.cold()), [None; 3], "cold");
    }
}
