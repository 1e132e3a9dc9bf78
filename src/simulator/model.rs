//! The simulated models: each a row of [`MODELS`] with what it says, how fast, and how it fails.
//!
//! The row's order is the order of `GET /models`; the first two stand side by side on a newcomer's
//! screen.

use super::script::{self, Script};
use crate::{body::ModelInfo, chat::ChatRequest, dialect::serve::refusal, event::Fault};

/// One simulated model.
#[derive(Debug)]
pub(super) struct Model {
    /// Its name, always beginning with `sim-`.
    pub name: &'static str,
    /// What it is good for, one line.
    pub description: &'static str,
    /// What it says.
    pub script: fn(&ChatRequest) -> Script,
    /// How fast.
    pub pace: Pace,
    /// How it opens its answer.
    pub opening: AnswerOpening,
    /// What goes wrong, and after how many tokens.
    pub mishap: Option<(u64, Mishap)>,
    /// What a key must begin with; `None` if it needs no key.
    pub key: Option<&'static str>,
    /// Whether it refuses calls of its own that come back without their signature, where its protocol signs them.
    pub wants_signatures: bool,
}

/// When things come, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// From the request to the first token.
    pub first: Delay,
    /// From one token to the next.
    pub gap: Delay,
    /// The share of `first` after which the response head goes out; 1 sends it with the first token.
    pub head: f64,
    /// Tokens that a buffering proxy holds back and lets go in one write, least and most.
    pub burst: Option<(u64, u64)>,
    /// Time between comments that keep the connection open before the first token.
    pub keep_alive_ms: Option<f64>,
    /// Whether all of a run's delays are scaled by one factor of 0.7 to 1.3, so that runs started
    /// together do not stay in step.
    pub scaled: bool,
}

/// How a delay is drawn, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Delay {
    /// Always the same.
    Fixed(f64),
    /// Evenly between the two.
    Even(f64, f64),
    /// Log-normal: the median, and the standard deviation of the logarithm.
    LogNormal(f64, f64),
}

/// How an answer opens.
#[derive(Clone, Copy, Debug)]
pub(super) enum AnswerOpening {
    /// As asked.
    Answer,
    /// With an HTTP error.
    Refuse(fn() -> Fault),
    /// With status 200 and a web page, as a captive portal or a proxy gives.
    Html,
}

/// What goes wrong after the opening.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mishap {
    /// Nothing comes for so many milliseconds; then it goes on.
    Stall(f64),
    /// The connection is reset.
    Reset,
    /// The connection is closed in the middle of a chunk.
    Cut,
    /// An error object comes in the stream, which then ends.
    Error,
    /// The stream ends without its end mark.
    NoEndMark,
}

/// A model that answers as asked, without mishap: what the rows below differ from.
const PLAIN: Model = Model {
    name: "",
    description: "",
    script: script::tour,
    pace: Pace {
        first: Delay::LogNormal(300.0, 0.1),
        gap: Delay::Even(12.0, 20.0),
        head: 0.4,
        burst: None,
        keep_alive_ms: None,
        scaled: false,
    },
    opening: AnswerOpening::Answer,
    mishap: None,
    key: None,
    wants_signatures: false,
};

/// Defines a row by what differs from [`PLAIN`] and from its pace.
macro_rules! model {
    ($name:literal, $description:literal, pace { $($pace:ident: $pace_value:expr),* $(,)? } $(, $field:ident: $value:expr)* $(,)?) => {
        #[allow(clippy::needless_update, reason = "a row may give every field of its pace")]
        Model {
            name: $name,
            description: $description,
            pace: Pace { $($pace: $pace_value,)* ..PLAIN.pace },
            $($field: $value,)*
            ..PLAIN
        }
    };
}

/// All models, the best first impression first.
pub(super) static MODELS: &[Model] = &[
    model!(
        "sim-fast",
        "Starts at once, 320 tokens a second; says what Tokenscope does",
        pace {
            first: Delay::LogNormal(160.0, 0.12),
            gap: Delay::Even(2.2, 4.0)
        }
    ),
    model!("sim-slow-start", "First token after 1.3 s, then 110 tokens a second; says how TTFT is counted",
        pace { first: Delay::LogNormal(1300.0, 0.1), gap: Delay::Even(6.0, 12.0), head: 0.15 }, script: script::ttft),
    model!("sim-reasoning", "Thinks aloud first, then answers",
        pace { first: Delay::LogNormal(450.0, 0.15), gap: Delay::Even(8.0, 14.0) }, script: script::reasoning),
    model!("sim-markdown", "One of everything: lists, tables, formulas, code in several languages",
        pace { gap: Delay::Even(6.0, 11.0) }, script: script::markdown),
    model!("sim-chinese", "Answers in Chinese",
        pace { first: Delay::LogNormal(350.0, 0.15), gap: Delay::Even(14.0, 24.0) }, script: script::chinese),
    model!(
        "sim-steady",
        "First token after exactly 300 ms, then one every 20 ms",
        pace {
            first: Delay::Fixed(300.0),
            gap: Delay::Fixed(20.0)
        }
    ),
    model!(
        "sim-jittery",
        "Log-normal delays: mostly quick, sometimes very slow",
        pace {
            first: Delay::LogNormal(500.0, 0.6),
            gap: Delay::LogNormal(12.0, 1.0)
        }
    ),
    model!(
        "sim-bursty",
        "Behind a proxy that buffers: a late first token, then many at once",
        pace {
            first: Delay::LogNormal(250.0, 0.1),
            gap: Delay::Even(12.0, 18.0),
            burst: Some((24, 64)),
            head: 1.0
        }
    ),
    model!("sim-long", "50,000 tokens at 300 a second",
        pace { first: Delay::Fixed(250.0), gap: Delay::Fixed(10.0 / 3.0) }, script: script::long),
    model!("sim-tools", "Calls two functions at once: yours, if you send some",
        pace {}, script: script::tools),
    model!("sim-signed", "Calls two functions, twice; in Gemini's protocols it wants its thought signatures back, byte for byte",
        pace {}, script: script::signed, wants_signatures: true),
    model!("sim-json", "Answers in JSON, after your schema if you send one",
        pace {}, script: script::json),
    model!("sim-echo", "Repeats what you sent, with the size of each image",
        pace { first: Delay::Fixed(100.0), gap: Delay::Fixed(5.0) }, script: script::echo),
    model!("sim-refusal", "Refuses to answer, in the field for refusals",
        pace {}, script: script::refusal),
    model!("sim-locked", "Wants a key: any that begins with “sim-”",
        pace {}, key: Some("sim-")),
    model!(
        "sim-keepalive",
        "Comments keep the connection open until the first token, after 3 s",
        pace {
            first: Delay::Fixed(3000.0),
            keep_alive_ms: Some(250.0),
            head: 0.05
        }
    ),
    model!("sim-stall", "Falls silent for 4 s after 60 tokens, then goes on",
        pace {}, mishap: Some((60, Mishap::Stall(4000.0)))),
    model!("sim-reset", "The connection is reset after 60 tokens",
        pace {}, mishap: Some((60, Mishap::Reset))),
    model!("sim-cut", "The connection is closed within a chunk after 60 tokens",
        pace {}, mishap: Some((60, Mishap::Cut))),
    model!("sim-error", "An error comes in the stream after 25 tokens",
        pace {}, mishap: Some((25, Mishap::Error))),
    model!("sim-no-done", "The stream ends without its end mark",
        pace {}, mishap: Some((0, Mishap::NoEndMark))),
    model!("sim-empty", "Ends without a token",
        pace {}, script: |_| Script::default()),
    model!("sim-rate-limited", "429: wait two seconds",
        pace { first: Delay::Fixed(80.0), head: 1.0 }, opening: AnswerOpening::Refuse(rate_limited)),
    model!("sim-overloaded", "503: too busy",
        pace { first: Delay::Fixed(120.0), head: 1.0 }, opening: AnswerOpening::Refuse(overloaded)),
    model!("sim-html", "Status 200 and a web page",
        pace { first: Delay::Fixed(60.0), head: 1.0 }, opening: AnswerOpening::Html),
    model!("sim-bench", "For benchmarks: first token after 50 ms, one every 40 ms, 64 in all; each run scaled by 0.7 to 1.3",
        pace { first: Delay::Fixed(50.0), gap: Delay::Fixed(40.0), head: 1.0, scaled: true }, script: script::bench),
];

/// All models, as lists name them.
pub(super) fn listed() -> Vec<ModelInfo> {
    let listed = MODELS.iter().map(|model| ModelInfo {
        id: model.name.to_owned(),
        label: model.description.to_owned(),
    });
    listed.collect()
}

/// The model of this name.
pub(super) fn find(name: &str) -> Option<&'static Model> {
    MODELS.iter().find(|m| m.name == name)
}

fn rate_limited() -> Fault {
    Fault {
        retry_after_ms: Some(2000),
        ..refusal(
            429,
            "rate_limit_exceeded",
            "Simulated: rate limit reached, try again in 2 s",
        )
    }
}

fn overloaded() -> Fault {
    refusal(503, "overloaded", "Simulated: the model is overloaded")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plainly_simulated_and_unique() {
        for (i, model) in MODELS.iter().enumerate() {
            assert!(model.name.starts_with("sim-"), "{}", model.name);
            assert!(!model.description.is_empty() && !model.description.ends_with('.'));
            assert!(MODELS[..i].iter().all(|m| m.name != model.name));
        }
    }
}
