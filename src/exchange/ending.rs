//! What the end of an exchange means for its answer.

use super::bounded::BoundedDecoder;
use crate::event::{About, Event, Fault, FaultClass, Note, Phase};

/// Why an exchange ended, before the decoder's last events are known.
pub(super) enum EndReason {
    /// The body was over.
    Closed,
    /// The dialect's end mark had come, but the connection stayed open.
    Lingered,
    /// The body of an HTTP error did not end in time.
    Stalled,
    /// The body broke off.
    Broke(Fault),
    /// It failed or was stopped with this fault, which replaces any of the decoder's.
    Fault(Fault),
}

impl EndReason {
    pub(super) fn stopped(class: FaultClass, phase: Phase, why: &str) -> Self {
        Self::Fault(Fault::new(class, phase, why))
    }

    /// The reason why a body that was passed on undecoded ended, from the fault of its exchange.
    pub(super) fn of_undecoded(fault: Option<Fault>) -> Self {
        match fault {
            None => Self::Closed,
            Some(fault) if matches!(fault.class, FaultClass::Timeout | FaultClass::Cancelled) => {
                Self::Fault(fault)
            }
            Some(fault) => Self::Broke(fault),
        }
    }

    /// The events that only the end makes known; `began` says whether the body had begun.
    pub(super) fn events(self, began: bool, decoder: Option<&mut BoundedDecoder>) -> Vec<Event> {
        let mut events = Vec::new();
        let is_decoded = decoder.is_some();
        if let Some(decoder) = decoder {
            decoder.end(&mut events);
        }
        match self {
            Self::Closed => {}
            Self::Lingered => {
                let text = "the connection stayed open after the answer's end";
                Note::emit(About::Aside, text, &mut events);
            }
            Self::Stalled => {
                let text = "the rest of the error's body did not come";
                Note::emit(About::Aside, text, &mut events);
            }
            // Only a decoder could tell that the answer was complete before.
            Self::Broke(fault) if !is_decoded => events.push(Event::Fault(fault)),
            Self::Broke(fault) => explain_break(fault, began, &mut events),
            Self::Fault(fault) => {
                // Partial events are kept; the decoder's own fault (a missing end) is only a consequence.
                events.retain(|event| !matches!(event, Event::Fault(_)));
                events.push(Event::Fault(fault));
            }
        }
        events
    }
}

/// A body that broke off. If the decoder says that the answer was complete, the break is a note. If the answer was
/// cut, the transport's fault is shown, since it says more than the decoder's. A fault that the provider itself
/// reported stays.
fn explain_break(broke: Fault, began: bool, events: &mut Vec<Event>) {
    let said = events.iter_mut().find_map(|event| match event {
        Event::Fault(fault) => Some(fault),
        _ => None,
    });
    match said {
        // The decoder's fault (no end mark, or nothing decodable) is a consequence of the break.
        Some(fault)
            if fault.class == FaultClass::Interrupted
                || fault.class == FaultClass::Protocol
                    && (!began || broke.class == FaultClass::Protocol) =>
        {
            *fault = broke;
        }
        // An HTTP error of which only the status was read.
        Some(fault) if !began => fault.message = broke.message,
        None if broke.class != FaultClass::Interrupted => events.push(Event::Fault(broke)),
        // The provider's own fault stays.
        Some(_) => Note::emit(About::Aside, format!("then {}", broke.message), events),
        None => {
            let text = format!("after the answer's end, {}", broke.message);
            Note::emit(About::Aside, text, events);
        }
    }
}
