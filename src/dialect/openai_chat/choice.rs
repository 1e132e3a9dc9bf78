//! Decides which choices of a chunk belong to the answer.
//!
//! OpenAI numbers the answers that `n` asks for. Some servers number the blocks of one answer this way, or even its
//! tokens (<https://github.com/BerriAI/litellm/issues/12666>,
//! <https://github.com/huggingface/text-generation-inference/issues/1648>): none of these may get lost.

use std::collections::HashSet;

use crate::body::json::{self, Fields, Raw};

/// Most indices that are tracked.
const MAX_OTHERS: usize = 1_000;

/// The answer to which a choice belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChoiceTarget {
    /// The shown answer, by its index.
    Same,
    /// The shown answer, with another index.
    Renumbered,
    /// Another answer, which is not shown.
    Other,
}

/// The choices of one response.
#[derive(Debug, Default)]
pub(super) struct Choices {
    /// How many answers were requested; `None` if unknown.
    requested: Option<u64>,
    first: Option<u64>,
    others: HashSet<u64>,
}

impl Choices {
    pub(super) fn requested(requested: Option<u64>) -> Self {
        Self {
            requested,
            ..Self::default()
        }
    }

    /// The answer to which a choice belongs; `has_others` if its chunk has several choices.
    pub(super) fn place(&mut self, choice: &Fields<'_>, has_others: bool) -> ChoiceTarget {
        let index = choice
            .stated("index")
            .and_then(|raw| raw.get().parse().ok());
        let index = index.unwrap_or(0);
        let first = *self.first.get_or_insert(index);
        if index == first {
            return ChoiceTarget::Same;
        }
        let is_other = self.others.contains(&index)
            || match self.requested {
                Some(0 | 1) => has_others,
                Some(_) => true,
                None => has_others || starts_answer(choice),
            };
        if !is_other {
            return ChoiceTarget::Renumbered;
        }
        if self.others.len() < MAX_OTHERS {
            self.others.insert(index);
        }
        ChoiceTarget::Other
    }
}

/// Whether a choice starts another answer: it has a role and no content yet.
fn starts_answer(choice: &Fields<'_>) -> bool {
    let delta = choice.stated("delta").and_then(|raw| Fields::of(raw).ok());
    delta.is_some_and(|delta| {
        let mut content = delta
            .iter()
            .filter(|(name, raw)| name != "role" && holds_text(*raw));
        delta.stated("role").is_some() && content.next().is_none()
    })
}

fn holds_text(raw: Raw<'_>) -> bool {
    json::holds_text(raw).unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The targets of choices that came one per chunk: same, renumbered or other.
    fn places(asked: Option<u64>, choices: &[&str]) -> String {
        let mut known = Choices::requested(asked);
        let place = |json: &&str| {
            let choice = Fields::of(Raw::of(json)).unwrap();
            match known.place(&choice, false) {
                ChoiceTarget::Same => 's',
                ChoiceTarget::Renumbered => 'r',
                ChoiceTarget::Other => 'o',
            }
        };
        choices.iter().map(place).collect()
    }

    #[test]
    fn pieces_of_one_answer_are_joined_and_several_answers_are_not() {
        let zero = r#"{"index":0,"delta":{"content":"a"}}"#;
        let one = r#"{"index":1,"delta":{"content":"b"}}"#;
        let two = r#"{"index":2,"delta":{"role":"assistant","content":"c"}}"#;
        let starts_one = r#"{"index":1,"delta":{"role":"assistant","content":""}}"#;
        for (asked, choices, expected) in [
            // Blocks or tokens of one answer.
            (Some(1), &[zero, one, two, zero][..], "srrs"),
            (Some(1), &[zero, starts_one, one], "srr"),
            (None, &[zero, one, two, zero], "srrs"),
            (None, &[one, two, one], "srs"),
            // Answers side by side.
            (Some(2), &[zero, one, zero, one], "soso"),
            (None, &[zero, starts_one, zero, one], "soso"),
            // No index, or an invalid one.
            (Some(1), &[r#"{"index":null}"#, "{}", zero], "sss"),
        ] {
            assert_eq!(places(asked, choices), expected, "{asked:?} {choices:?}");
        }
    }

    #[test]
    fn choices_of_one_chunk_are_separate_answers() {
        let mut known = Choices::requested(Some(1));
        let choice = |index: u8| format!(r#"{{"index":{index},"message":{{"content":"x"}}}}"#);
        let places = [0, 1, 0].map(|index| {
            let json = choice(index);
            known.place(&Fields::of(Raw::of(&json)).unwrap(), true)
        });
        assert_eq!(
            places,
            [ChoiceTarget::Same, ChoiceTarget::Other, ChoiceTarget::Same]
        );
    }
}
