//! What a bench asks, before it is said of which model: one prompt, a set, or random words by length.
//!
//! In: prompts. Out: the [`RequestSource`] of a bench; and [`AskedPrompts`], by which two benches are known to ask the same.
//! As JSON it is what a driver sends to its agents.

use std::{fmt, io, sync::Arc};

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use super::{
    BenchPlan, OnePrompt, RequestSource,
    prompts::{PromptOrder, PromptSet, PromptSource, SyntheticSource},
    share::LoadShare,
    source::SharedSource,
};

/// Bytes of a digest that are told: enough to tell prompts apart.
const DIGEST_BYTES: usize = 8;

/// What is asked, ready to be sent to any model.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BenchPrompts {
    /// This text each time.
    One(String),
    /// The prompts of a set, in this order.
    Set(Arc<PromptSet>, PromptOrder),
    /// Random words by length.
    Synthetic(SyntheticSource),
}

impl BenchPrompts {
    /// The requests of a bench that this machine sends, or of its share of them. `nonce` is another number in each bench.
    ///
    /// Machines that share a load ask the requests in turn, so that together they ask what one would.
    #[must_use]
    pub fn source(&self, plan: &BenchPlan, nonce: u64, share: LoadShare) -> Arc<dyn RequestSource> {
        let model = &plan.target.model;
        match self {
            Self::One(text) => {
                let prompt = OnePrompt::new(model, text, plan.max_tokens, nonce);
                share_of(prompt, share)
            }
            Self::Set(set, order) => {
                let source = PromptSource {
                    model: model.clone(),
                    set: Arc::clone(set),
                    order: *order,
                    seed: plan.seed,
                    max_tokens: plan.max_tokens,
                    nonce: Some(nonce),
                };
                share_of(source, share)
            }
            Self::Synthetic(source) => share_of(source.of_bench(model, nonce), share),
        }
    }

    /// What is told of them.
    #[must_use]
    pub fn asked(&self) -> AskedPrompts {
        let prompts = match self {
            Self::One(_) => 1,
            Self::Set(set, _) => set.len() as u64,
            Self::Synthetic(source) => source.len(),
        };
        let mut hash = HashWriter(Context::new(&SHA256));
        // What has only strings and numbers can be written, and hashing takes all of it.
        let _ = serde_json::to_writer(&mut hash, self);
        let digest = hash.0.finish();
        let first = digest.as_ref().first_chunk::<DIGEST_BYTES>();
        AskedPrompts {
            prompts,
            digest: first.map_or_else(String::new, |first| {
                format!("{:016x}", u64::from_be_bytes(*first))
            }),
        }
    }
}

fn share_of(source: impl RequestSource + 'static, share: LoadShare) -> Arc<dyn RequestSource> {
    if share.is_whole() {
        Arc::new(source)
    } else {
        Arc::new(SharedSource::new(source, share))
    }
}

/// Hashes what is written.
struct HashWriter(Context);

impl io::Write for HashWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a bench asks, told without its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedPrompts {
    /// How many prompts there are.
    pub prompts: u64,
    /// The first 16 hexadecimal digits of the SHA-256 of the prompts and their order as JSON.
    pub digest: String,
}

impl fmt::Display for AskedPrompts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prompts = if self.prompts == 1 {
            "prompt"
        } else {
            "prompts"
        };
        write!(f, "{} {prompts}, SHA-256 {}…", self.prompts, self.digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{plan::tests::a_plan, prompts::Turns};

    const TWO: &str = r#"{"system": "be brief", "messages": [{"role": "user", "content": "one"},
        {"role": "assistant", "content": "1"}, {"role": "user", "content": "two"}], "max_tokens": 7}"#;

    fn set(turns: Turns, order: PromptOrder) -> BenchPrompts {
        let text = TWO.replace('\n', " ");
        BenchPrompts::Set(PromptSet::of_json("p", &text, turns).unwrap().into(), order)
    }

    fn questions(prompts: &BenchPrompts, share: LoadShare, count: u64) -> Vec<String> {
        let source = prompts.source(&a_plan(), 5, share);
        let question = |number| format!("{:?}", source.question(number).request);
        (0..count).map(question).collect()
    }

    #[test]
    fn what_an_agent_is_sent_asks_the_same() {
        let in_order = PromptOrder::InOrder;
        for prompts in [
            BenchPrompts::One("count".into()),
            set(Turns::Each, in_order),
            set(Turns::First, PromptOrder::Random),
        ] {
            let json = serde_json::to_string(&prompts).unwrap();
            let sent: BenchPrompts = serde_json::from_str(&json).unwrap();
            let whole = LoadShare::whole();
            assert_eq!(questions(&sent, whole, 9), questions(&prompts, whole, 9));
            assert_eq!(sent.asked(), prompts.asked());
        }
    }

    #[test]
    fn what_is_asked_differs_by_text_and_order() {
        let one = |text: &str| BenchPrompts::One(text.into()).asked();
        assert_eq!(one("a"), one("a"));
        assert_ne!(one("a"), one("b"));
        let in_order = set(Turns::Each, PromptOrder::InOrder).asked();
        assert_eq!((in_order.prompts, in_order.digest.len()), (2, 16));
        assert_ne!(in_order, set(Turns::Each, PromptOrder::Random).asked());
        assert_ne!(in_order, set(Turns::First, PromptOrder::InOrder).asked());
    }

    #[test]
    fn machines_that_share_a_load_ask_the_requests_in_turn() {
        let prompts = set(Turns::Each, PromptOrder::InOrder);
        let whole = questions(&prompts, LoadShare::whole(), 6);
        let parts =
            [0, 1, 2].map(|index| questions(&prompts, LoadShare::new(index, 3).unwrap(), 2));
        let in_turn: Vec<String> = (0..6).map(|n| parts[n % 3][n / 3].clone()).collect();
        assert_eq!(in_turn, whole);
    }
}
