//! The end of a translated answer: told once, and last.

use std::borrow::Cow;

use crate::event::{Event, Finish, Usage};

/// The end of an answer: why it ended, its token counts, its end mark. Protocols say these at different times, some of
/// them in each chunk; a client hears each once, and last.
#[derive(Default)]
pub(super) struct HeldEnd {
    wants_usage: bool,
    finish: Option<Finish>,
    usage: Option<Usage>,
    is_told: bool,
}

impl HeldEnd {
    /// Nothing is held yet; `wants_usage` says whether token counts are told.
    pub(super) fn new(wants_usage: bool) -> Self {
        Self {
            wants_usage,
            ..Self::default()
        }
    }

    /// These events with the end's held back until the answer's end mark, or until it `is_over`. An answer that failed
    /// gets no end mark.
    pub(super) fn in_order<'a>(&mut self, events: &'a [Event], is_over: bool) -> Cow<'a, [Event]> {
        if !is_over && !self.is_told && !events.iter().any(is_of_end) {
            return Cow::Borrowed(events);
        }
        let mut ordered = Vec::with_capacity(events.len());
        for event in events {
            match event {
                Event::Finish(finish) => self.finish = Some(finish.clone()),
                Event::Usage(usage) => self.usage.get_or_insert_default().merge(*usage),
                Event::Done => self.tell(&mut ordered),
                Event::Fault(_) => {
                    self.is_told = true;
                    ordered.push(event.clone());
                }
                event if !self.is_told => ordered.push(event.clone()),
                _ => {}
            }
        }
        if is_over {
            self.tell(&mut ordered);
        }
        Cow::Owned(ordered)
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

fn is_of_end(event: &Event) -> bool {
    matches!(
        event,
        Event::Finish(_) | Event::Usage(_) | Event::Done | Event::Fault(_)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Fault, FaultClass, FinishReason, Phase};

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
        HeldEnd::new(wants_usage)
    }

    #[test]
    fn counts_that_come_with_each_piece_are_told_once_and_last() {
        let mut end = end(true);
        let first = end
            .in_order(&[text("a"), usage(Some(3), None), stop()], false)
            .into_owned();
        assert_eq!(first, [text("a")]);
        let second = end
            .in_order(&[text("b"), usage(None, Some(2))], false)
            .into_owned();
        assert_eq!(second, [text("b")]);
        let last = end.in_order(&[], true).into_owned();
        assert_eq!(last, [stop(), usage(Some(3), Some(2)), Event::Done]);
    }

    #[test]
    fn counts_that_nobody_asked_for_are_not_told() {
        let mut end = end(false);
        let events = [usage(Some(1), Some(1)), stop(), Event::Done];
        let events = end.in_order(&events, false).into_owned();
        assert_eq!(events, [stop(), Event::Done]);
    }

    #[test]
    fn an_answer_that_failed_has_no_end_mark() {
        let fault = Event::Fault(Fault::new(FaultClass::Interrupted, Phase::Stream, "cut"));
        let mut end = end(true);
        let events = [text("a"), stop(), fault.clone()];
        let events = end.in_order(&events, true).into_owned();
        assert_eq!(events, [text("a"), fault]);
    }

    #[test]
    fn the_end_mark_comes_once_whatever_follows() {
        let mut end = end(false);
        assert_eq!(
            end.in_order(&[stop(), Event::Done], false).into_owned(),
            [stop(), Event::Done]
        );
        assert_eq!(
            end.in_order(&[Event::Done, text("late")], true)
                .into_owned(),
            []
        );
    }
}
