//! Pairs of answers that are marked without knowing whose is whose: an arm's answer and that of the first arm to the same
//! prompt, in an order that does not tell.

use super::{
    AnswerMark, ComparePlan, ComparePrompt, CompareRound, PairMark, SampleOutcome,
    is_first_arm_left,
};
use crate::run::RunId;

/// What is thought of two answers that are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkChoice {
    /// That at the left, or the first one, is better.
    Left,
    /// That at the right, or the second one, is better.
    Right,
    /// They are as good.
    Same,
    /// Nothing: another pair is shown.
    Skip,
}

/// Two answers, as they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlindPair {
    /// The number of the round.
    pub round: u64,
    /// The arm beside the first one, by its place in the plan.
    pub arm: usize,
    /// The runs, that at the left first.
    pub runs: [RunId; 2],
    /// The prompt, by its place in the plan.
    prompt: usize,
    is_first_left: bool,
}

impl BlindPair {
    /// All pairs of an arm and the first one that were both answered, in the order of their rounds.
    pub fn all(
        plan: &ComparePlan,
        rounds: &[CompareRound],
        arm: usize,
    ) -> impl Iterator<Item = Self> {
        let is_answered = move |round: &CompareRound, arm| {
            let outcome = round.outcome(arm, plan);
            !matches!(outcome, None | Some(SampleOutcome::Failed(_)))
        };
        rounds.iter().filter_map(move |round| {
            if !is_answered(round, 0) || !is_answered(round, arm) {
                return None;
            }
            let run = |arm: usize| round.samples.get(arm).map(|sample| sample.run);
            let (first, other) = run(0).zip(run(arm))?;
            let is_first_left = is_first_arm_left(plan.seed, round.index, arm);
            Some(Self {
                round: round.index,
                arm,
                runs: if is_first_left {
                    [first, other]
                } else {
                    [other, first]
                },
                prompt: round.prompt,
                is_first_left,
            })
        })
    }

    /// What a choice says of the arm's answer; `None` if nothing.
    #[must_use]
    pub fn mark(&self, choice: MarkChoice) -> Option<AnswerMark> {
        let is_arm_better = |is_left_better: bool| {
            if is_left_better == self.is_first_left {
                AnswerMark::Worse
            } else {
                AnswerMark::Better
            }
        };
        match choice {
            MarkChoice::Left => Some(is_arm_better(true)),
            MarkChoice::Right => Some(is_arm_better(false)),
            MarkChoice::Same => Some(AnswerMark::Same),
            MarkChoice::Skip => None,
        }
    }

    /// Whether it is among these marks.
    #[must_use]
    pub fn is_marked(&self, marks: &[PairMark]) -> bool {
        let mut marks = marks.iter();
        marks.any(|mark| (mark.round, mark.arm) == (self.round, self.arm))
    }

    /// What was asked. Arms with prompts of their own would tell whose answer is whose.
    #[must_use]
    pub fn asked(&self, plan: &ComparePlan) -> String {
        let has_own = |arm: usize| plan.arms.get(arm).is_some_and(|arm| arm.prompt.is_some());
        if has_own(0) || has_own(self.arm) {
            return "The two have prompts of their own".to_owned();
        }
        let asked = plan.prompts.get(self.prompt).map(ComparePrompt::text);
        asked.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_about_the_arm_wherever_it_stands() {
        let pair = |is_first_left| BlindPair {
            round: 3,
            arm: 1,
            runs: [RunId(1), RunId(2)],
            prompt: 0,
            is_first_left,
        };
        for (is_first_left, choice, mark) in [
            (true, MarkChoice::Left, Some(AnswerMark::Worse)),
            (true, MarkChoice::Right, Some(AnswerMark::Better)),
            (false, MarkChoice::Left, Some(AnswerMark::Better)),
            (false, MarkChoice::Right, Some(AnswerMark::Worse)),
            (false, MarkChoice::Same, Some(AnswerMark::Same)),
            (true, MarkChoice::Skip, None),
        ] {
            assert_eq!(pair(is_first_left).mark(choice), mark, "{choice:?}");
        }
    }
}
