//! Which choices of a chunk belong to the answer.
//!
//! OpenAI numbers the answers that were asked for with `n`. Some servers number blocks of one answer like that, or
//! even its tokens (<https://github.com/BerriAI/litellm/issues/12666>,
//! <https://github.com/huggingface/text-generation-inference/issues/1648>): nothing of those may get lost.

use std::collections::HashSet;

use crate::body::json::{self, Fields, Raw};

/// Most indices that are tracked.
const MAX_OTHERS: usize = 1_000;

/// To which answer a choice belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChoiceTarget {
    /// To the answer, by its number.
    Same,
    /// To the answer, under another number.
    Renumbered,
    /// To another answer, which is not shown.
    Other,
}

/// The choices of one response.
#[derive(Debug, Default)]
pub(super) struct Choices {
    /// How many were asked for; `None` if unknown.
    asked: Option<u64>,
    first: Option<u64>,
    others: HashSet<u64>,
}

impl Choices {
    pub(super) fn asked(asked: Option<u64>) -> Self {
        Self {
            asked,
            ..Self::default()
        }
    }

    /// To which answer a choice belongs; `beside_others` if its chunk holds several.
    pub(super) fn place(&mut self, choice: &Fields<'_>, beside_others: bool) -> ChoiceTarget {
        let index = choice
            .stated("index")
            .and_then(|raw| raw.get().parse().ok());
        let index = index.unwrap_or(0);
        let first = *self.first.get_or_insert(index);
        if index == first {
            return ChoiceTarget::Same;
        }
        let is_other = self.others.contains(&index)
            || match self.asked {
                Some(0 | 1) => beside_others,
                Some(_) => true,
                None => beside_others || begins_anew(choice),
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

/// Whether a choice begins an answer of its own: it has a role and no content yet.
fn begins_anew(choice: &Fields<'_>) -> bool {
    let delta = choice.stated("delta").and_then(|raw| Fields::of(raw).ok());
    delta.is_some_and(|delta| {
        let mut says = delta
            .iter()
            .filter(|(name, raw)| name != "role" && says_anything(*raw));
        delta.stated("role").is_some() && says.next().is_none()
    })
}

fn says_anything(raw: Raw<'_>) -> bool {
    json::holds_text(raw).unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The places of choices that came one a chunk.
    fn places(asked: Option<u64>, choices: &[&str]) -> String {
        let mut known = Choices::asked(asked);
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
    fn one_answer_keeps_all_its_pieces_and_several_stay_apart() {
        let says = r#"{"index":0,"delta":{"content":"a"}}"#;
        let one = r#"{"index":1,"delta":{"content":"b"}}"#;
        let two = r#"{"index":2,"delta":{"role":"assistant","content":"c"}}"#;
        let begins = r#"{"index":1,"delta":{"role":"assistant","content":""}}"#;
        for (asked, choices, expected) in [
            // Blocks or tokens of one answer.
            (Some(1), &[says, one, two, says][..], "srrs"),
            (Some(1), &[says, begins, one], "srr"),
            (None, &[says, one, two, says], "srrs"),
            (None, &[one, two, one], "srs"),
            // Answers side by side.
            (Some(2), &[says, one, says, one], "soso"),
            (None, &[says, begins, says, one], "soso"),
            // No number, or one that is none.
            (Some(1), &[r#"{"index":null}"#, "{}", says], "sss"),
        ] {
            assert_eq!(places(asked, choices), expected, "{asked:?} {choices:?}");
        }
    }

    #[test]
    fn choices_of_one_chunk_are_answers_of_their_own() {
        let mut known = Choices::asked(Some(1));
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
