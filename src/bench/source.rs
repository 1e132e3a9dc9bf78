//! Where the requests of a bench come from.

use std::sync::Arc;

use super::share::LoadShare;
use crate::{chat::ChatRequest, price::most_input_tokens, seeded::number_at};

/// One request of a bench, before it is sent.
#[derive(Clone, Debug)]
pub struct BenchQuestion {
    /// What is asked.
    pub request: Arc<ChatRequest>,
    /// The number of its prompt in the prompt set.
    pub prompt: u32,
}

/// Gives the requests of a bench. Workers ask it beside the load, so that it must be quick, wait for nothing, and give
/// the same for the same number.
pub trait RequestSource: Send + Sync {
    /// The request of this number.
    fn question(&self, number: u64) -> BenchQuestion;

    /// Most tokens that a request has on average, input and output, for an estimate of what the bench costs.
    fn most_tokens(&self) -> MostTokens;
}

/// Most tokens of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MostTokens {
    /// Of the prompt.
    pub input: u64,
    /// Of the answer.
    pub output: u64,
}

/// One machine's share of requests: of `n` machines each asks every `n`-th, so that together they ask each once.
pub struct SharedSource<S> {
    whole: S,
    share: LoadShare,
}

impl<S> SharedSource<S> {
    /// This machine's share of what `whole` asks.
    #[must_use]
    pub fn new(whole: S, share: LoadShare) -> Self {
        Self { whole, share }
    }
}

impl<S: RequestSource> RequestSource for SharedSource<S> {
    fn question(&self, number: u64) -> BenchQuestion {
        self.whole.question(self.share.number_of_all(number))
    }

    fn most_tokens(&self) -> MostTokens {
        self.whole.most_tokens()
    }
}

/// One prompt for all requests. A number that was never sent before stands in front of it, so that no cache of answers
/// or prompts shortens an answer.
#[derive(Clone, Debug)]
pub struct OnePrompt {
    model: String,
    text: String,
    max_tokens: u32,
    nonce: u64,
}

impl OnePrompt {
    /// This text to this model. `nonce` is another number in each bench.
    #[must_use]
    pub fn new(model: &str, text: &str, max_tokens: u32, nonce: u64) -> Self {
        Self {
            model: model.to_owned(),
            text: text.to_owned(),
            max_tokens,
            nonce,
        }
    }
}

/// A line that no other request of a bench begins with; `nonce` is another number in each bench.
pub(super) fn unique_line(nonce: u64, number: u64) -> String {
    format!("{:016x}\n", number_at(nonce, number))
}

impl RequestSource for OnePrompt {
    fn question(&self, number: u64) -> BenchQuestion {
        let text = unique_line(self.nonce, number) + &self.text;
        let mut request = ChatRequest::of_text(&self.model, text);
        request.params.max_tokens = Some(self.max_tokens);
        BenchQuestion {
            request: Arc::new(request),
            prompt: 0,
        }
    }

    fn most_tokens(&self) -> MostTokens {
        MostTokens {
            input: most_input_tokens(self.text.len() as u64),
            output: self.max_tokens.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_requests_begin_the_same() {
        let prompts = [1, 2].map(|nonce| OnePrompt::new("m", "count", 16, nonce));
        let texts = prompts.iter().flat_map(|prompt| {
            (0..1_000).map(|number| format!("{:?}", prompt.question(number).request.messages))
        });
        let texts: std::collections::BTreeSet<String> = texts.collect();
        assert_eq!(texts.len(), 2_000);
        let again = prompts[0].question(7);
        assert_eq!(again.request, prompts[0].question(7).request);
        assert_eq!(again.request.params.max_tokens, Some(16));
    }
}
