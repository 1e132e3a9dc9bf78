//! Which of several answers to the same question is best in each figure, if the difference is significant.
//!
//! In: the figures of one question's answers, and the standard deviations of their targets. Out: the best answer for
//! each figure, or why there is none. Pure: no window, no clock.

use std::sync::Arc;

use super::{
    deviation::{self, Deviations},
    sheet::{COMPARED, Sheet},
};
use crate::{
    desktop::widgets::figure_text,
    measure::{Better, Figure, figure},
    run::{ConnectionKind, RunId, RunState},
};

/// The rule, as shown in hover texts.
pub const RULE: &str = "At most one answer is marked as best, and only among complete answers to the same question: cold \
    connections are compared with cold ones, warm with warm, simulated with simulated. The difference must be over 5 %, \
    for times also over 10 ms, and over twice the standard deviation of the targets’ latest answers over the same kind of \
    connection, if the history and this conversation have three or more. Totals are compared only among answers of about \
    the same length (within 10 %)";

/// A difference up to this share is not significant.
const MIN_SHARE: f64 = 0.05;
/// For times, a difference up to this many milliseconds is not significant.
const MIN_MS: f64 = 10.0;
/// A difference up to this many standard deviations is not significant.
const MIN_DEVIATIONS: f64 = 2.0;

/// The result for one figure.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// This run is the best.
    Best(RunId),
    /// There is no best run, for this reason.
    None(String),
}

/// The result for all figures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// Whether there are both cold and warm runs.
    pub mixed: bool,
    /// Whether some answer's first output came after its first token.
    pub ttfo_differs: bool,
    verdicts: Vec<(&'static str, Verdict)>,
}

impl Comparison {
    /// Compares the answers to one question.
    pub fn of(answers: &[Arc<Sheet>], deviations: &Deviations) -> Self {
        let whole = answers.iter().filter(|sheet| sheet.state == RunState::Ok);
        let whole: Vec<&Sheet> = whole.map(AsRef::as_ref).collect();
        let has = |kind| whole.iter().any(|sheet| sheet.connection == Some(kind));
        let figures = COMPARED.iter().filter_map(|key| figure(key));
        let verdicts = figures.map(|figure| {
            let verdict = verdict(figure, &whole, deviations);
            (figure.key, verdict.unwrap_or_else(Verdict::None))
        });
        Self {
            mixed: has(ConnectionKind::Cold) && has(ConnectionKind::Warm),
            ttfo_differs: answers.iter().any(|sheet| ttfo_differs(sheet)),
            verdicts: verdicts.collect(),
        }
    }

    /// Whether this run is the best in this figure.
    pub fn is_best(&self, key: &str, id: RunId) -> bool {
        self.verdict(key) == Some(&Verdict::Best(id))
    }

    /// The result for this figure.
    pub fn verdict(&self, key: &str) -> Option<&Verdict> {
        (self.verdicts.iter().find(|(k, _)| *k == key)).map(|(_, verdict)| verdict)
    }
}

fn ttfo_differs(sheet: &Sheet) -> bool {
    sheet.value("ttfo_ms") != sheet.value("ttft_ms")
}

/// The best of complete answers in one figure, or why there is none.
fn verdict(figure: &Figure, whole: &[&Sheet], deviations: &Deviations) -> Result<Verdict, String> {
    let known = whole
        .iter()
        .filter_map(|s| Some((*s, s.value(figure.key)?)));
    let mut known: Vec<(&Sheet, f64)> = known.collect();
    known.sort_by(|a, b| match figure.better {
        Better::Higher => b.1.total_cmp(&a.1),
        Better::Lower | Better::Neutral => a.1.total_cmp(&b.1),
    });
    let [best, others @ ..] = &known[..] else {
        return Err("there is nothing to compare".into());
    };
    if others.is_empty() {
        return Err("there is only one answer".into());
    }
    one_group(figure.key, &known)?;
    for other in others {
        let noise = noise(figure, *best, *other, deviations);
        if (best.1 - other.1).abs() <= noise {
            let [one, two] = [best.1, other.1].map(|value| figure_text(value, figure.unit));
            let noise = figure_text(noise, figure.unit);
            return Err(format!(
                "{one} and {two} differ by no more than {noise}, which is not significant here"
            ));
        }
    }
    Ok(Verdict::Best(best.0.run))
}

/// Whether these answers may be compared at all.
fn one_group(key: &str, known: &[(&Sheet, f64)]) -> Result<(), String> {
    let differ = |of: fn(&Sheet) -> u8| {
        let mut all = known.iter().map(|(sheet, _)| of(sheet));
        let first = all.next();
        all.any(|one| Some(one) != first)
    };
    if differ(|sheet| u8::from(sheet.simulated)) {
        return Err("simulated and real answers can’t be compared".into());
    }
    // Figures counted from the first token, or from request sent, contain no handshakes.
    let from_start = matches!(key, "ttft_ms" | "ttfo_ms" | "total_ms");
    if from_start && differ(|sheet| u8::from(sheet.connection == Some(ConnectionKind::Cold))) {
        return Err(
            "cold and warm runs can’t be compared: a cold run’s time contains its handshakes"
                .into(),
        );
    }
    if key == "total_ms" && !are_similar(known) {
        return Err("the answers differ in length, or their tokens were not counted".into());
    }
    Ok(())
}

/// Whether all are of about the same length.
fn are_similar(known: &[(&Sheet, f64)]) -> bool {
    let lengths = known.iter().map(|(sheet, _)| sheet.output());
    let Some(lengths) = lengths.collect::<Option<Vec<u64>>>() else {
        return false;
    };
    let least = lengths.iter().copied().min().unwrap_or(0);
    (lengths.iter()).all(|length| deviation::is_similar(least, *length))
}

/// How much two values may differ by chance.
fn noise(figure: &Figure, one: (&Sheet, f64), two: (&Sheet, f64), deviations: &Deviations) -> f64 {
    let floor = if figure.unit == "ms" { MIN_MS } else { 0.0 };
    let floor = floor.max(MIN_SHARE * one.1.min(two.1));
    let deviation = match [one.0, two.0].map(|sheet| deviations.of_target(figure.key, sheet)) {
        [Some(one), Some(two)] => one.hypot(two),
        // If only one is known, the other is assumed to be the same.
        [Some(known), None] | [None, Some(known)] => known.hypot(known),
        [None, None] => 0.0,
    };
    floor.max(MIN_DEVIATIONS * deviation)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::event::Usage;

    /// The best runs in TTFT, speed and total; 0 if there is none.
    fn winners(answers: &[Sheet], earlier: &[Sheet]) -> [i64; 3] {
        let answers: Vec<_> = answers.iter().cloned().map(Arc::new).collect();
        let mut all: Vec<_> = earlier.iter().cloned().map(Arc::new).collect();
        all.extend(answers.iter().cloned());
        let comparison = Comparison::of(&answers, &Deviations::of(&all, &HashMap::new()));
        ["ttft_ms", "output_speed_tps", "total_ms"].map(|key| match comparison.verdict(key) {
            Some(Verdict::Best(run)) => {
                assert!(comparison.is_best(key, *run));
                run.0
            }
            Some(Verdict::None(why)) => {
                assert!(!why.is_empty());
                0
            }
            None => panic!("no verdict of {key}"),
        })
    }

    fn a(figures: [f64; 3]) -> Sheet {
        Sheet::made(1, "a", figures, 100)
    }

    fn b(figures: [f64; 3]) -> Sheet {
        Sheet::made(2, "b", figures, 100)
    }

    fn with(mut sheet: Sheet, change: fn(&mut Sheet)) -> Sheet {
        change(&mut sheet);
        sheet
    }

    #[test]
    fn best_is_said_only_where_it_means_something() {
        let slow = [500.0, 50.0, 2_500.0];
        let fast = [300.0, 100.0, 1_300.0];
        for (what, answers, expected) in [
            ("a clear race", vec![a(slow), b(fast)], [2, 2, 2]),
            ("one alone", vec![a(fast)], [0, 0, 0]),
            ("none", vec![], [0, 0, 0]),
            ("alike to the last digit", vec![a(fast), b(fast)], [0, 0, 0]),
            (
                "307 against 309 ms",
                vec![a([307.0, 100.0, 1_300.0]), b([309.0, 101.0, 1_310.0])],
                [0, 0, 0],
            ),
            (
                "over 10 ms, under 5 %",
                vec![a([1_000.0, 96.0, 1_300.0]), b([1_040.0, 100.0, 1_360.0])],
                [0, 0, 0],
            ),
            (
                "over 5 %, under 10 ms",
                vec![a([20.0, 100.0, 100.0]), b([28.0, 100.0, 109.0])],
                [0, 0, 0],
            ),
            (
                "cold and cold",
                vec![a(slow).cold(), b(fast).cold()],
                [2, 2, 2],
            ),
            // Speed contains no handshakes.
            ("cold and warm", vec![a(slow).cold(), b(fast)], [0, 2, 0]),
            (
                "two warm beside a cold one",
                vec![a(slow), b(fast), Sheet::made(3, "c", fast, 100).cold()],
                [0, 0, 0],
            ),
            (
                "of unlike length",
                vec![a(slow), with(b(fast), |s| s.usage.output = Some(111))],
                [2, 2, 0],
            ),
            (
                "about as long",
                vec![a(slow), with(b(fast), |s| s.usage.output = Some(109))],
                [2, 2, 2],
            ),
            (
                "not counted",
                vec![a(slow), with(b(fast), |s| s.usage = Usage::default())],
                [2, 2, 0],
            ),
            (
                "simulated and real",
                vec![a(slow), with(b(fast), |s| s.simulated = true)],
                [0, 0, 0],
            ),
            (
                "a broken one",
                vec![a(slow), with(b(fast), |s| s.state = RunState::Fault)],
                [0, 0, 0],
            ),
            (
                "a live one",
                vec![a(slow), with(b(fast), |s| s.state = RunState::Streaming)],
                [0, 0, 0],
            ),
            (
                "a third as good as the first",
                vec![a(slow), b(fast), Sheet::made(3, "c", fast, 100)],
                [0, 0, 0],
            ),
            (
                "a third in the middle",
                vec![
                    a(slow),
                    b(fast),
                    Sheet::made(3, "c", [400.0, 75.0, 1_900.0], 100),
                ],
                [2, 2, 2],
            ),
        ] {
            assert_eq!(winners(&answers, &[]), expected, "{what}");
        }
    }

    #[test]
    fn a_difference_within_the_targets_standard_deviation_is_not_significant() {
        let answers = [a([500.0, 50.0, 2_000.0]), b([420.0, 90.0, 1_500.0])];
        let earlier = |ttfts: &[f64]| -> Vec<Sheet> {
            let ids = 10..;
            let made = ids
                .zip(ttfts)
                .map(|(id, ttft)| Sheet::made(id, "a", [*ttft, 50.0, 2_000.0], 100));
            made.collect()
        };
        for (what, ttfts, winner) in [
            ("nothing known", &[][..], 2),
            ("too little known", &[300.0][..], 2),
            ("steady", &[498.0, 502.0, 505.0][..], 2),
            ("far apart", &[300.0, 700.0, 450.0][..], 0),
        ] {
            assert_eq!(winners(&answers, &earlier(ttfts))[0], winner, "{what}");
        }
        // Answers over cold connections do not count for warm ones.
        let cold: Vec<Sheet> = earlier(&[300.0, 700.0, 450.0])
            .into_iter()
            .map(Sheet::cold)
            .collect();
        assert_eq!(winners(&answers, &cold)[0], 2);
    }

    #[test]
    fn net_of_connecting_cold_and_warm_compare() {
        let answers = [a([500.0, 50.0, 900.0]).cold(), b([480.0, 50.0, 900.0])];
        let comparison = Comparison::of(&answers.map(Arc::new), &Deviations::default());
        assert!(comparison.mixed);
        assert!(comparison.is_best("ttft_net_ms", RunId(1)));
        let Some(Verdict::None(why)) = comparison.verdict("ttft_ms") else {
            panic!("cold against warm");
        };
        assert!(why.contains("handshakes"));
    }
}
