//! The schedule of one answer: what is done when, fixed before the first byte goes out.
//!
//! In: a model, a request and a seed. Out: an iterator of [`PlanStep`]s in order of time. It is lazy, so
//! that a very long answer costs no memory, and a clone foretells exactly what the original will do.

mod delay;
mod seeds;
#[cfg(test)]
mod tests;

use std::{collections::VecDeque, time::Duration};

use rand::{RngExt as _, SeedableRng as _, rngs::Xoshiro256PlusPlus};

use self::delay::{draw, duration};
pub(super) use self::seeds::{Seeds, seeds};
use super::{
    model::{Mishap, Model, Pace},
    tokens::{ScriptTokens, prompt_tokens},
};
use crate::{
    chat::ChatRequest,
    dialect::serve::AnswerTimes,
    event::{Event, Fault, FaultClass, Finish, FinishReason, Phase, Usage},
};

/// Something to do, so long after the request was read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PlanStep {
    /// When.
    pub at: Duration,
    /// What.
    pub act: PlanAction,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum PlanAction {
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
    tokens: ScriptTokens,
    /// Steps made and not given out yet.
    ready: VecDeque<PlanStep>,
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
            tokens: ScriptTokens::new((model.script)(request), &request.params.stop),
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
            if let PlanAction::Say(event) = &step.act
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
        let step = PlanStep {
            at: duration(at),
            act: PlanAction::Say(event),
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
                    self.ready.push_back(PlanStep { at, act });
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
    fn befall(&mut self, mishap: Mishap) -> Option<PlanAction> {
        match mishap {
            Mishap::Stall(ms) => self.clock += ms * self.scale,
            Mishap::Reset => return Some(PlanAction::Reset),
            Mishap::Cut => return Some(PlanAction::Cut),
            Mishap::Error => return Some(PlanAction::Say(Event::Fault(stream_error()))),
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
    type Item = PlanStep;

    fn next(&mut self) -> Option<PlanStep> {
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
    pub fn times(&self) -> AnswerTimes {
        AnswerTimes {
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
