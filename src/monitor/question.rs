//! What a probe asks.

use super::ProbePlan;
use crate::chat::ChatRequest;

/// The question to this model. A random number makes it new, so that no cache of answers or prompts can shorten it.
#[must_use]
pub fn question(plan: &ProbePlan, model: &str) -> ChatRequest {
    let number: u64 = rand::random();
    let mut request = ChatRequest::of_text(model, format!("{number:016x}\n{}", plan.prompt));
    request.params.max_tokens = Some(plan.max_tokens);
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_probes_ask_the_same_and_the_new_part_comes_first() {
        let plan = ProbePlan::once(Vec::new());
        let [one, other] = [question(&plan, "m"), question(&plan, "m")];
        assert_ne!(one.messages, other.messages);
        let text = format!("{:?}", one.messages);
        // A cache of prompts goes by how they begin.
        assert!(!text.contains(&format!("\"{}", plan.prompt)), "{text}");
        assert!(text.contains(&plan.prompt));
        assert_eq!(one.params.max_tokens, Some(16));
    }
}
