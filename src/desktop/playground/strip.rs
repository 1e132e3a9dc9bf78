//! The strip above the panes: compares the last answers as bars, cold and warm ones separately.
//!
//! In: the figures of each pane's last answer. Out: sorted rows in groups, each group with a scale of its own, which
//! is shown.

mod draw;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{compare::Comparison, sheet::Sheet};
use crate::{
    desktop::looks::Look,
    event::FaultClass,
    measure::figure,
    run::{ConnectionKind, RunState},
};

/// A column of bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BarColumn {
    /// Time to first token.
    Ttft,
    /// Output tokens a second.
    Speed,
    /// Time to the last token.
    Total,
}

impl BarColumn {
    const ALL: [Self; 3] = [Self::Ttft, Self::Speed, Self::Total];

    fn label(self) -> &'static str {
        match self {
            Self::Ttft => "TTFT",
            Self::Speed => "Speed",
            Self::Total => "Total",
        }
    }

    fn key(self) -> &'static str {
        match self {
            Self::Ttft => "ttft_ms",
            Self::Speed => "output_speed_tps",
            Self::Total => "total_ms",
        }
    }

    fn unit(self) -> &'static str {
        figure(self.key()).map_or("", |figure| figure.unit)
    }

    /// A run's value in this column, and whether that is an estimate.
    fn value(self, sheet: &Sheet) -> Option<(f64, bool)> {
        let live_total = self == Self::Total && !sheet.state.is_over();
        let measured = sheet.value(self.key()).filter(|_| !live_total);
        let about = || (self == Self::Speed).then(|| sheet.about?.speed).flatten();
        measured
            .map(|value| (value, false))
            .or_else(|| Some((about()?, true)))
    }
}

/// The state of the strip, saved with the layout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Strip {
    /// Whether it is shown.
    pub open: bool,
    /// The column that it is sorted by; `None` is the order of the panes.
    pub sort: Option<BarColumn>,
}

/// A pane's last answer.
pub struct BarRow {
    /// The pane's index.
    pub place: usize,
    /// Its name.
    pub name: String,
    /// The look of the target that answered, the same as in the monitor.
    pub look: Look,
    /// The number of the question: panes that were asked the same share it.
    pub question: usize,
    /// A short form of the question.
    pub asked: String,
    /// Its figures.
    pub sheet: Arc<Sheet>,
    /// Why it failed, if it did.
    pub fault: Option<FaultClass>,
    /// How it compares with the other answers.
    pub comparison: Arc<Comparison>,
}

/// What the rows of a group have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum RowGroupKind {
    Warm,
    Cold,
    /// Failed, or not connected yet: not compared.
    NotCompared,
}

impl RowGroupKind {
    fn of(sheet: &Sheet) -> Self {
        match sheet.connection {
            _ if sheet.state == RunState::Fault => Self::NotCompared,
            Some(ConnectionKind::Warm) => Self::Warm,
            Some(ConnectionKind::Cold) => Self::Cold,
            None => Self::NotCompared,
        }
    }
}

/// Rows with the same scale.
#[derive(Debug, PartialEq)]
struct RowGroup {
    question: usize,
    kind: RowGroupKind,
    /// Indices into the list of rows.
    rows: Vec<usize>,
    /// The largest value of each column.
    most: [f64; BarColumn::ALL.len()],
}

/// Groups rows by question and connection, warm before cold, and sorts each group.
fn groups(rows: &[BarRow], sort: Option<BarColumn>) -> Vec<RowGroup> {
    let mut all: Vec<RowGroup> = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let (question, kind) = (row.question, RowGroupKind::of(&row.sheet));
        match all
            .iter_mut()
            .find(|g| (g.question, g.kind) == (question, kind))
        {
            Some(group) => group.rows.push(at),
            None => all.push(RowGroup {
                question,
                kind,
                rows: vec![at],
                most: [0.0; BarColumn::ALL.len()],
            }),
        }
    }
    all.sort_by_key(|group| (group.question, group.kind));
    for group in &mut all {
        for (most, column) in group.most.iter_mut().zip(BarColumn::ALL) {
            let values = group
                .rows
                .iter()
                .filter_map(|at| column.value(&rows[*at].sheet));
            *most = values.map(|(value, _)| value).fold(0.0, f64::max);
        }
        if let Some(column) = sort {
            // The best first, unknown values last.
            let rank = |at: &usize| match column.value(&rows[*at].sheet) {
                None => f64::INFINITY,
                Some((value, _)) if column == BarColumn::Speed => -value,
                Some((value, _)) => value,
            };
            group.rows.sort_by(|a, b| rank(a).total_cmp(&rank(b)));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(place: usize, question: usize, sheet: Sheet) -> BarRow {
        BarRow {
            place,
            name: sheet.target.model.clone(),
            look: Look::at(place),
            question,
            asked: String::new(),
            sheet: Arc::new(sheet),
            fault: None,
            comparison: Arc::default(),
        }
    }

    fn rows() -> Vec<BarRow> {
        let made = |run, figures| Sheet::made(run, "m", figures, 100);
        let mut failed = made(5, [1.0, 1.0, 9_000.0]);
        failed.state = RunState::Fault;
        vec![
            row(0, 0, made(1, [300.0, 50.0, 2_000.0])),
            row(1, 0, made(2, [900.0, 90.0, 1_000.0]).cold()),
            row(2, 0, made(3, [200.0, 70.0, 3_000.0])),
            row(3, 1, made(4, [100.0, 10.0, 400.0])),
            row(4, 0, failed),
        ]
    }

    #[test]
    fn cold_and_warm_and_other_questions_are_apart_each_on_its_own_scale() {
        let rows = rows();
        let groups = groups(&rows, None);
        let found: Vec<_> = (groups.iter())
            .map(|g| (g.question, g.kind, &g.rows[..], g.most))
            .collect();
        assert_eq!(
            found,
            [
                (0, RowGroupKind::Warm, &[0, 2][..], [300.0, 70.0, 3_000.0]),
                (0, RowGroupKind::Cold, &[1][..], [900.0, 90.0, 1_000.0]),
                (0, RowGroupKind::NotCompared, &[4][..], [1.0, 1.0, 9_000.0]),
                (1, RowGroupKind::Warm, &[3][..], [100.0, 10.0, 400.0]),
            ]
        );
    }

    #[test]
    fn the_best_comes_first_and_the_unknown_last() {
        let mut rows = rows();
        rows.truncate(3);
        rows[1] = row(1, 0, Sheet::made(2, "m", [250.0, 90.0, 1_000.0], 100));
        let sheet = Arc::make_mut(&mut rows[0].sheet);
        sheet.state = RunState::Streaming;
        for (sort, order) in [
            (None, [0, 1, 2]),
            (Some(BarColumn::Ttft), [2, 1, 0]),
            (Some(BarColumn::Speed), [1, 2, 0]),
            (Some(BarColumn::Total), [1, 2, 0]),
        ] {
            assert_eq!(groups(&rows, sort)[0].rows, order, "{sort:?}");
        }
    }
}
