//! The schedule of one answer: what is done when, fixed before the first byte goes out.
//!
//! In: a model, a request and a seed. Out: an iterator of [`Step`]s in order of time. It is lazy, so
//! that a very long answer costs no memory, and a clone foretells exactly what the original will do.

use std::{collections::VecDeque, f64::consts::TAU, io, time::Duration};

use rand::{RngExt as _, SeedableRng as _, rngs::Xoshiro256PlusPlus};
use serde_json::{Value, json};

use super::{
    model::{Delay, Mishap, Model, Pace},
    tokens::{Tokens, prompt_tokens},
};
use crate::{
    chat::{ChatRequest, Message, Part},
    dialect::serve::Times,
    event::{Event, Fault, FaultClass, Finish, FinishReason, Phase, Usage},
};

/// Something to do, so long after the request was read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Step {
    /// When.
    pub at: Duration,
    /// What.
    pub act: Act,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Act {
    /// Says something.
    Say(Event),
    /// Resets the connection.
    Reset,
    /// Closes the connection in the middle of a chunk.
    Cut,
}

/// The rest of an answer's schedule.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// When the response head is due.
    pub head: Duration,
    pace: Pace,
    mishap: Option<(u64, Mishap)>,
    rng: Xoshiro256PlusPlus,
    /// Stretches every delay.
    scale: f64,
    /// How far the schedule has been made, in milliseconds.
    clock: f64,
    tokens: Tokens,
    /// Steps made and not given out yet.
    ready: VecDeque<Step>,
    usage: Usage,
    limit: u64,
    over: bool,
}

/// Milliseconds between the last token and the end of the stream.
const TAIL_MS: f64 = 2.0;

impl Plan {
    /// The schedule of `model`'s answer. `speed` 2 makes it twice as fast.
    pub fn new(model: &Model, request: &ChatRequest, seeds: Seeds, speed: f64) -> Self {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seeds.conversation);
        let stretch = if model.pace.scaled {
            rng.random_range(0.7..1.3)
        } else {
            1.0
        };
        let scale = stretch / speed;
        let mut first = Xoshiro256PlusPlus::seed_from_u64(seeds.question);
        let first = scale * draw(model.pace.first, &mut first);
        let head = first * model.pace.head;
        let mut plan = Self {
            head: duration(head),
            pace: model.pace,
            mishap: model.mishap,
            rng,
            scale,
            clock: first,
            tokens: Tokens::new((model.script)(request), &request.params.stop),
            ready: VecDeque::new(),
            usage: Usage {
                cache_written: None,
                total: None,
                input: Some(prompt_tokens(request)),
                output: Some(0),
                reasoning: Some(0),
                cached: Some(0),
            },
            limit: request.params.max_tokens.map_or(u64::MAX, u64::from),
            over: false,
        };
        let (id, served) = (None, None);
        plan.say_at(head, Event::Meta { id, model: served });
        if let Some(every) = model.pace.keep_alive_ms {
            let mut at = head;
            while at < first {
                plan.say_at(at, Event::keep_alive());
                at += every * scale;
            }
        }
        plan
    }

    /// What this schedule promises, made without touching it.
    pub fn promise(&self) -> Promise {
        let mut promise = Promise {
            head: self.head,
            ..Promise::default()
        };
        for step in self.clone() {
            promise.end = step.at;
            if let Act::Say(event) = &step.act
                && event.is_token()
            {
                promise.first_token.get_or_insert(step.at);
                promise.tokens += 1;
            }
        }
        promise
    }

    /// Tokens of the request.
    pub fn prompt_tokens(&self) -> u64 {
        self.usage.input.unwrap_or(0)
    }

    fn say_at(&mut self, at: f64, event: Event) {
        let step = Step {
            at: duration(at),
            act: Act::Say(event),
        };
        self.ready.push_back(step);
    }

    /// Makes the next steps: one token, or as many as a buffering proxy lets go at once.
    fn refill(&mut self) {
        let size = match self.pace.burst {
            Some((least, most)) => self.rng.random_range(least..=most),
            None => 1,
        };
        let mut batch = Vec::new();
        for _ in 0..size {
            if self.spoken() > 0 {
                self.clock += self.scale * draw(self.pace.gap, &mut self.rng);
            }
            if let Some((after, mishap)) = self.mishap
                && (after == self.spoken() || self.tokens.is_over())
            {
                self.mishap = None;
                if let Some(act) = self.befall(mishap) {
                    self.flush(&mut batch);
                    self.clock += TAIL_MS * self.scale;
                    let at = duration(self.clock);
                    self.ready.push_back(Step { at, act });
                    self.over = true;
                    return;
                }
            }
            let Some(event) = self.next_token() else {
                self.flush(&mut batch);
                self.finish();
                return;
            };
            batch.push(event);
        }
        self.flush(&mut batch);
    }

    fn spoken(&self) -> u64 {
        self.usage.output.unwrap_or(0)
    }

    fn flush(&mut self, batch: &mut Vec<Event>) {
        for event in batch.drain(..) {
            self.say_at(self.clock, event);
        }
    }

    fn next_token(&mut self) -> Option<Event> {
        if self.spoken() >= self.limit {
            return None;
        }
        let event = self.tokens.next()?;
        self.usage.output = Some(self.spoken() + 1);
        if matches!(event, Event::Reasoning { .. }) {
            self.usage.reasoning = self.usage.reasoning.map(|n| n + 1);
        }
        Some(event)
    }

    /// The act that a mishap ends the answer with; `None` if the answer goes on.
    fn befall(&mut self, mishap: Mishap) -> Option<Act> {
        match mishap {
            Mishap::Stall(ms) => self.clock += ms * self.scale,
            Mishap::Reset => return Some(Act::Reset),
            Mishap::Cut => return Some(Act::Cut),
            Mishap::Error => return Some(Act::Say(Event::Fault(stream_error()))),
            // Remembered until the end.
            Mishap::NoEndMark => self.tokens.end_mark = false,
        }
        None
    }

    fn finish(&mut self) {
        self.over = true;
        let (reason, raw) = if !self.tokens.is_over() {
            (FinishReason::Length, "length")
        } else if self.tokens.called {
            (FinishReason::ToolCalls, "tool_calls")
        } else {
            (FinishReason::Stop, "stop")
        };
        let at = self.clock + TAIL_MS * self.scale;
        self.say_at(
            at,
            Event::Finish(Finish {
                reason,
                raw: raw.into(),
            }),
        );
        self.say_at(at, Event::Usage(self.usage));
        if self.tokens.end_mark {
            self.say_at(at, Event::Done);
        }
    }
}

impl Iterator for Plan {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        if self.ready.is_empty() && !self.over {
            self.refill();
        }
        self.ready.pop_front()
    }
}

/// A schedule's main dates, since the request was read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Promise {
    /// When the response head is due.
    pub head: Duration,
    /// When the first token is due; `None` if none will come.
    pub first_token: Option<Duration>,
    /// When the last step is due.
    pub end: Duration,
    /// How many tokens there will be.
    pub tokens: u64,
}

impl Promise {
    /// The dates that an answer may tell.
    pub fn times(&self) -> Times {
        Times {
            head: self.head,
            first_token: self.first_token,
            end: self.end,
        }
    }
}

fn stream_error() -> Fault {
    Fault {
        code: Some("simulated_failure".into()),
        ..Fault::new(
            FaultClass::Provider,
            Phase::Stream,
            "Simulated: the model failed in the middle of its answer",
        )
    }
}

fn draw(delay: Delay, rng: &mut Xoshiro256PlusPlus) -> f64 {
    match delay {
        Delay::Fixed(ms) => ms,
        Delay::Even(least, most) => rng.random_range(least..most),
        Delay::LogNormal(median, sigma) => {
            // Box and Muller's transform; 1 − u keeps the logarithm's argument above 0.
            let (u, v): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random());
            let normal = (-2.0 * u.ln()).sqrt() * (TAU * v).cos();
            median * (sigma * normal).exp()
        }
    }
}

fn duration(ms: f64) -> Duration {
    Duration::from_secs_f64(ms / 1000.0)
}

/// What an answer's schedule is drawn from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Seeds {
    /// Of the delay before the first token.
    pub question: u64,
    /// Of all else.
    pub conversation: u64,
}

/// The seeds of an answer: the same for the same model, conversation, `seed` parameter and base seed, in
/// whatever protocol it was asked. So only what every protocol says counts: no ids, no signatures.
///
/// How long the first token takes is drawn from the question alone, not from what was said before it: asked
/// again, the model takes as long, and what is saved by a warm connection is seen.
pub(super) fn seeds(request: &ChatRequest, base: u64) -> Seeds {
    let system = request.system.as_deref().unwrap_or_default();
    let of = |messages: &[Message]| {
        let said = messages.iter().flat_map(|message| &message.parts);
        let said: Vec<Value> = said.filter_map(said_everywhere).collect();
        let what = (&request.model, system, said, request.params.seed);
        let mut hash = Fnv(0xcbf2_9ce4_8422_2325 ^ base);
        // Neither the types nor the hash can fail; if they could, the seed would only be a poorer one.
        let _ = serde_json::to_writer(&mut hash, &what);
        hash.0
    };
    let before = request.messages.len().saturating_sub(1);
    Seeds {
        question: of(&request.messages[before..]),
        conversation: of(&request.messages),
    }
}

fn said_everywhere(part: &Part) -> Option<Value> {
    match part {
        Part::Text { text } if text.is_empty() => None,
        Part::Text { text } => Some(json!({ "text": text })),
        Part::Media(media) => Some(json!({ "file": media.mime, "bytes": media.data.len() })),
        Part::ToolCall(call) => {
            let arguments: Value = serde_json::from_str(&call.arguments).unwrap_or_default();
            Some(json!({ "call": call.name, "with": arguments }))
        }
        Part::ToolResult { content, .. } => Some(json!({ "result": content })),
        Part::Reasoning { .. } | Part::Signature { .. } | Part::Opaque { .. } => None,
    }
}

/// FNV-1a, 64 bits: unlike the standard library's hash it is the same in every version.
struct Fnv(u64);

impl io::Write for Fnv {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{chat::Role, simulator::model::MODELS};

    fn drawn(random: u64) -> Seeds {
        Seeds {
            question: random,
            conversation: random,
        }
    }

    fn plan_of(model: &Model, random: u64) -> Plan {
        Plan::new(
            model,
            &ChatRequest::of_text(model.name, "Hello"),
            drawn(random),
            1.0,
        )
    }

    #[test]
    fn a_plan_depends_on_its_seed_alone_runs_forward_in_time_and_ends() {
        for model in MODELS {
            let steps: Vec<Step> = plan_of(model, 7).collect();
            assert!(
                steps.iter().eq(&plan_of(model, 7).collect::<Vec<_>>()),
                "{}",
                model.name
            );
            assert!(steps.is_sorted_by_key(|s| s.at), "{}", model.name);
            assert!(steps[0].at >= plan_of(model, 7).head, "{}", model.name);
            assert!(
                matches!(steps[0].act, Act::Say(Event::Meta { .. })),
                "{}",
                model.name
            );
        }
        let jittery =
            |random| plan_of(super::super::model::find("sim-jittery").unwrap(), random).promise();
        assert_ne!(jittery(7), jittery(8));
    }

    /// The tour's lesson: asked again on a warm connection, an answer starts sooner by what connecting took.
    #[test]
    fn a_question_asked_again_takes_the_model_as_long() {
        let say = |role, text: &str| Message {
            role,
            parts: vec![Part::Text { text: text.into() }],
        };
        for model in MODELS {
            let first = ChatRequest::of_text(model.name, "Why?");
            let mut again = first.clone();
            let more = [say(Role::Assistant, "So."), say(Role::User, "Why?")];
            again.messages.extend(more);
            let mut other = first.clone();
            other.messages = vec![say(Role::User, "How?")];
            let [one, two, three] = [&first, &again, &other].map(|asked| {
                let seeds = seeds(asked, 9);
                (seeds, Plan::new(model, asked, seeds, 1.0).promise())
            });
            // A buffering proxy holds the first token back until others have come.
            if !model.pace.scaled && model.pace.burst.is_none() {
                assert_eq!(one.1.head, two.1.head, "{}", model.name);
                assert_eq!(one.1.first_token, two.1.first_token, "{}", model.name);
            }
            assert_ne!(one.0.conversation, two.0.conversation);
            assert_ne!(one.0.question, three.0.question);
        }
    }

    #[test]
    fn a_promise_is_what_the_plan_then_does() {
        for model in MODELS {
            let plan = plan_of(model, 3);
            let promise = plan.promise();
            let is_token = |s: &Step| matches!(&s.act, Act::Say(event) if event.is_token());
            let steps: Vec<Step> = plan.collect();
            let tokens: Vec<&Step> = steps.iter().filter(|s| is_token(s)).collect();
            assert_eq!(promise.tokens, tokens.len() as u64, "{}", model.name);
            assert_eq!(
                promise.first_token,
                tokens.first().map(|s| s.at),
                "{}",
                model.name
            );
            assert_eq!(
                Some(promise.end),
                steps.last().map(|s| s.at),
                "{}",
                model.name
            );
        }
    }

    #[test]
    fn usage_counts_the_pieces_and_the_limit_holds() {
        for model in MODELS {
            for limit in [None, Some(1), Some(17)] {
                let mut request = ChatRequest::of_text(model.name, "Two words");
                request.params.max_tokens = limit;
                let mut answer = crate::event::Answer::default();
                let (mut tokens, mut reasoning) = (0, 0);
                for step in Plan::new(model, &request, drawn(1), 1.0) {
                    if let Act::Say(event) = step.act {
                        tokens += u64::from(event.is_token());
                        reasoning += u64::from(matches!(event, Event::Reasoning { .. }));
                        answer.apply(&event);
                    }
                }
                let Some(usage) = answer.usage else {
                    assert!(model.mishap.is_some(), "{}", model.name);
                    continue;
                };
                assert_eq!(
                    (usage.input, usage.output, usage.reasoning),
                    (Some(2), Some(tokens), Some(reasoning))
                );
                let cut = limit.is_some_and(|l| u64::from(l) == tokens);
                let finish = answer.finish.unwrap().reason;
                assert_eq!(finish == FinishReason::Length, cut, "{}", model.name);
            }
        }
    }

    #[test]
    fn speed_shortens_every_delay_alike() {
        for model in MODELS {
            let request = ChatRequest::of_text(model.name, "Hello");
            let slow = Plan::new(model, &request, drawn(5), 1.0).promise();
            let fast = Plan::new(model, &request, drawn(5), 10.0).promise();
            assert_eq!(slow.tokens, fast.tokens);
            let ratio = slow.end.as_secs_f64() / fast.end.as_secs_f64();
            assert!((ratio - 10.0).abs() < 0.01, "{}: {ratio}", model.name);
        }
    }

    #[test]
    fn log_normal_delays_have_the_median_they_are_given() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let mut drawn: Vec<f64> = (0..10_001)
            .map(|_| draw(Delay::LogNormal(12.0, 1.0), &mut rng))
            .collect();
        drawn.sort_by(f64::total_cmp);
        assert!((11.0..13.0).contains(&drawn[5_000]), "{}", drawn[5_000]);
        // One standard deviation up is e times the median.
        assert!((29.0..37.0).contains(&drawn[8_413]), "{}", drawn[8_413]);
    }
}
