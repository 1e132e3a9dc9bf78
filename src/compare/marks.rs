//! What people think of the answers: each answer against that of the first arm to the same prompt, in an order that does
//! not tell whose is whose.

use serde::{Deserialize, Serialize};

use super::order::RandomUse;
use crate::{
    event::words,
    measure::evidence::{FailureVerdict, LookRule, failure_verdict},
};

words! {
    /// What somebody thinks of an arm's answer, beside that of the first arm.
    AnswerMark {
        /// It is better.
        Better = "better",
        /// It is worse.
        Worse = "worse",
        /// They are as good.
        Same = "same",
    }
}

/// A mark of one pair of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairMark {
    /// The number of the round.
    pub round: u64,
    /// The arm, by its place in the plan: not the first.
    pub arm: usize,
    /// What was thought.
    pub mark: AnswerMark,
}

/// Whether the first arm's answer is to be shown on the left, and so the other arm's on the right: random, and the same
/// each time it is asked.
#[must_use]
pub fn is_first_arm_left(seed: u64, round: u64, arm: usize) -> bool {
    let bits = RandomUse::Sides.random(seed, round).next();
    (bits >> (arm % 64)) & 1 == 1
}

/// What people preferred, of one arm and the first.
#[derive(Clone, Debug)]
pub struct Preference {
    /// The arm, by its place in the plan.
    pub arm: usize,
    /// How often its answer was better.
    pub better: usize,
    /// How often it was worse.
    pub worse: usize,
    /// How often they were as good.
    pub same: usize,
    /// The difference between the share of pairs in which its answer was worse and that in which it was better, with its
    /// interval: below 0 the arm is preferred. It is the test of two failure rates, where the answer that was worse failed.
    pub verdict: FailureVerdict,
}

impl Preference {
    /// What was preferred of this arm and the first; `None` without a mark. People see marks as they make them, so that it
    /// holds at each look.
    #[must_use]
    pub fn of(marks: &[PairMark], arm: usize, margin: f64) -> Option<Self> {
        let marks = marks.iter().filter(|mark| mark.arm == arm);
        let marks: Vec<AnswerMark> = marks.map(|mark| mark.mark).collect();
        let count = |wanted| marks.iter().filter(|mark| **mark == wanted).count();
        let worse_of =
            |mark: &AnswerMark| (*mark == AnswerMark::Better, *mark == AnswerMark::Worse);
        let pairs: Vec<_> = marks.iter().map(worse_of).collect();
        (!marks.is_empty()).then(|| Self {
            arm,
            better: count(AnswerMark::Better),
            worse: count(AnswerMark::Worse),
            same: count(AnswerMark::Same),
            verdict: failure_verdict(&pairs, LookRule::Every, margin),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_are_random_and_stay() {
        let sides: Vec<bool> = (0..1000)
            .map(|round| is_first_arm_left(5, round, 1))
            .collect();
        let left = sides.iter().filter(|left| **left).count();
        assert!((430..570).contains(&left), "{left}");
        let again = (0..1000).map(|round| is_first_arm_left(5, round, 1));
        assert!(sides.iter().copied().eq(again));
    }

    #[test]
    fn marks_of_an_arm_are_counted() {
        let mark = |round, arm, mark| PairMark { round, arm, mark };
        let marks = [
            mark(0, 1, AnswerMark::Better),
            mark(1, 1, AnswerMark::Better),
            mark(2, 1, AnswerMark::Same),
            mark(3, 1, AnswerMark::Worse),
            mark(3, 2, AnswerMark::Worse),
        ];
        let preference = Preference::of(&marks, 1, 0.05).unwrap();
        let counts = (preference.better, preference.worse, preference.same);
        assert_eq!(counts, (2, 1, 1));
        assert!(Preference::of(&marks, 3, 0.05).is_none());
    }
}
