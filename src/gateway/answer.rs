//! From the events of a target's answer to the response in the client's protocol.

use std::{collections::VecDeque, io};

use bytes::Bytes;
use futures_util::stream;
use http::{Response, StatusCode, header};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};

use crate::{
    dialect::serve::AnswerWriter,
    event::{Answer, Event, Fault, Finish, Usage},
    exchange::{Exchange, ExchangeStep},
    server::{ReplyBody, finish, json_response},
};

/// The whole answer as one document.
///
/// # Errors
/// The fault that ended it.
pub(super) async fn whole(
    mut exchange: Exchange,
    writer: Box<dyn AnswerWriter>,
) -> Result<Response<ReplyBody>, Fault> {
    let mut answer = Answer::default();
    loop {
        let (events, is_over) = match exchange.next().await {
            ExchangeStep::Connected(_) | ExchangeStep::Head(_) => continue,
            ExchangeStep::ExchangeChunk(chunk) => (chunk.events, false),
            ExchangeStep::ExchangeEnd(end) => (end.events, true),
        };
        for event in &events {
            answer.apply(event);
        }
        if let Some(fault) = answer.fault.take() {
            return Err(fault);
        }
        if is_over {
            return Ok(json_response(StatusCode::OK, &writer.whole(&answer)));
        }
    }
}

/// The answer as a stream. Its head goes out once the target has said something of the answer: until then a failure is
/// a refusal with a status of its own.
///
/// # Errors
/// The fault that came before that.
pub(super) async fn streamed(
    exchange: Exchange,
    writer: Box<dyn AnswerWriter>,
    wants_usage: bool,
) -> Result<Response<ReplyBody>, Fault> {
    let mut answer = TranslatedAnswer {
        exchange,
        writer,
        end: HeldEnd {
            wants_usage,
            ..HeldEnd::default()
        },
        ready: VecDeque::new(),
        is_over: false,
    };
    answer.begin().await?;
    let response = Response::builder()
        .header(header::CONTENT_TYPE, answer.writer.content_type())
        .header(header::CACHE_CONTROL, "no-cache");
    let frames = stream::unfold(answer, |mut answer| async {
        let frame = answer.next().await?;
        Some((io::Result::Ok(frame), answer))
    });
    Ok(finish(response, StreamBody::new(frames).boxed_unsync()))
}

/// A streamed answer on its way. Dropping it closes the exchange: a client that leaves stops its target.
struct TranslatedAnswer {
    exchange: Exchange,
    writer: Box<dyn AnswerWriter>,
    end: HeldEnd,
    /// What is written and not yet sent.
    ready: VecDeque<Frame<Bytes>>,
    is_over: bool,
}

impl TranslatedAnswer {
    /// Pulls until something of the answer is there.
    async fn begin(&mut self) -> Result<(), Fault> {
        let mut early = Vec::new();
        loop {
            let mut events = self.pull().await;
            if let Some(fault) = events.iter().find_map(Event::fault) {
                return Err(fault.clone());
            }
            let begins = self.is_over || events.iter().any(is_of_answer);
            early.append(&mut events);
            if begins {
                self.write(early);
                return Ok(());
            }
        }
    }

    async fn next(&mut self) -> Option<Frame<Bytes>> {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return Some(frame);
            }
            if self.is_over {
                return None;
            }
            let events = self.pull().await;
            self.write(events);
        }
    }

    /// The events of the next step.
    async fn pull(&mut self) -> Vec<Event> {
        match self.exchange.next().await {
            ExchangeStep::Connected(_) | ExchangeStep::Head(_) => Vec::new(),
            ExchangeStep::ExchangeChunk(chunk) => chunk.events,
            ExchangeStep::ExchangeEnd(end) => {
                self.is_over = true;
                end.events
            }
        }
    }

    fn write(&mut self, events: Vec<Event>) {
        let events = self.end.in_order(events, self.is_over);
        let mut out = Vec::new();
        self.writer.write(&events, &mut out);
        if !out.is_empty() {
            self.ready.push_back(Frame::data(out.into()));
        }
        if self.is_over
            && let Some(trailers) = self.writer.trailers()
        {
            self.ready.push_back(Frame::trailers(trailers));
        }
    }
}

/// Whether an event says something of the answer, or that the target is at work on it.
fn is_of_answer(event: &Event) -> bool {
    !matches!(
        event,
        Event::Meta { .. } | Event::Echo { .. } | Event::Note(_) | Event::Usage(_)
    )
}

/// The end of an answer: why it ended, its token counts, its end mark. Protocols say these at different times, some of
/// them in each chunk; a client hears each once, and last.
#[derive(Default)]
struct HeldEnd {
    wants_usage: bool,
    finish: Option<Finish>,
    usage: Option<Usage>,
    is_told: bool,
}

impl HeldEnd {
    /// These events with the end's held back until the answer's end mark, or until it `is_over`. An answer that failed
    /// gets no end mark.
    fn in_order(&mut self, events: Vec<Event>, is_over: bool) -> Vec<Event> {
        let mut ordered = Vec::with_capacity(events.len());
        for event in events {
            match event {
                Event::Finish(finish) => self.finish = Some(finish),
                Event::Usage(usage) => self.usage.get_or_insert_default().merge(usage),
                Event::Done => self.tell(&mut ordered),
                Event::Fault(_) => {
                    self.is_told = true;
                    ordered.push(event);
                }
                event if !self.is_told => ordered.push(event),
                _ => {}
            }
        }
        if is_over {
            self.tell(&mut ordered);
        }
        ordered
    }

    fn tell(&mut self, ordered: &mut Vec<Event>) {
        if std::mem::replace(&mut self.is_told, true) {
            return;
        }
        ordered.extend(self.finish.take().map(Event::Finish));
        let usage = self.usage.take().filter(|_| self.wants_usage);
        ordered.extend(usage.map(Event::Usage));
        ordered.push(Event::Done);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{FaultClass, FinishReason, Phase};

    fn text(text: &str) -> Event {
        Event::Text { text: text.into() }
    }

    fn usage(input: Option<u64>, output: Option<u64>) -> Event {
        Event::Usage(Usage {
            input,
            output,
            ..Usage::default()
        })
    }

    fn stop() -> Event {
        Event::Finish(Finish {
            reason: FinishReason::Stop,
            raw: "STOP".into(),
        })
    }

    fn end(wants_usage: bool) -> HeldEnd {
        HeldEnd {
            wants_usage,
            ..HeldEnd::default()
        }
    }

    #[test]
    fn counts_that_come_with_each_piece_are_told_once_and_last() {
        let mut end = end(true);
        let first = end.in_order(vec![text("a"), usage(Some(3), None), stop()], false);
        assert_eq!(first, [text("a")]);
        let second = end.in_order(vec![text("b"), usage(None, Some(2))], false);
        assert_eq!(second, [text("b")]);
        let last = end.in_order(Vec::new(), true);
        assert_eq!(last, [stop(), usage(Some(3), Some(2)), Event::Done]);
    }

    #[test]
    fn counts_that_nobody_asked_for_are_not_told() {
        let events = end(false).in_order(vec![usage(Some(1), Some(1)), stop(), Event::Done], false);
        assert_eq!(events, [stop(), Event::Done]);
    }

    #[test]
    fn an_answer_that_failed_has_no_end_mark() {
        let fault = Event::Fault(Fault::new(FaultClass::Interrupted, Phase::Stream, "cut"));
        let events = end(true).in_order(vec![text("a"), stop(), fault.clone()], true);
        assert_eq!(events, [text("a"), fault]);
    }

    #[test]
    fn the_end_mark_comes_once_whatever_follows() {
        let mut end = end(false);
        assert_eq!(
            end.in_order(vec![stop(), Event::Done], false),
            [stop(), Event::Done]
        );
        assert_eq!(end.in_order(vec![Event::Done, text("late")], true), []);
    }
}
