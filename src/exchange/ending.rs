//! What the end of an exchange means for its answer.

use super::bounded::Bounded;
use crate::event::{About, Event, Fault, FaultClass, Note, Phase};

/// Why an exchange ended, before the decoder's last word.
pub(super) enum Reason {
    /// The body was over.
    Closed,
    /// The dialect's own end had come, yet the connection stayed open.
    Lingered,
    /// The body of an error did not come to its end.
    Stalled,
    /// The body broke off.
    Broke(Fault),
    /// It failed or was stopped, for this reason and no other.
    Fault(Fault),
}

impl Reason {
    pub(super) fn stopped(phase: Phase) -> Self {
        Self::Fault(Fault::new(
            FaultClass::Cancelled,
            phase,
            "stopped by the user",
        ))
    }

    /// The events that only the end makes known; `began` says whether a byte of the body came.
    pub(super) fn events(self, began: bool, decoder: Option<&mut Bounded>) -> Vec<Event> {
        let mut events = Vec::new();
        if let Some(decoder) = decoder {
            decoder.end(&mut events);
        }
        match self {
            Self::Closed => {}
            Self::Lingered => {
                let text = "the connection stayed open after the answer's end";
                Note::tell(About::Aside, text, &mut events);
            }
            Self::Stalled => {
                let text = "the rest of the error's body did not come";
                Note::tell(About::Aside, text, &mut events);
            }
            Self::Broke(fault) => explain_break(fault, began, &mut events),
            Self::Fault(fault) => {
                // What was half read is kept; that the end was missing is no news here.
                events.retain(|event| !matches!(event, Event::Fault(_)));
                events.push(Event::Fault(fault));
            }
        }
        events
    }
}

/// A body that broke off: the dialect alone knows whether the answer was whole. If it was, the break is
/// a note; if it was cut, the transport's words say more about it than the dialect's; a provider's own
/// fault stands.
fn explain_break(broke: Fault, began: bool, events: &mut Vec<Event>) {
    let said = events.iter_mut().find_map(|event| match event {
        Event::Fault(fault) => Some(fault),
        _ => None,
    });
    match said {
        // That the dialect saw no end, or nothing that it could read, is what the break did.
        Some(fault)
            if fault.class == FaultClass::Interrupted
                || fault.class == FaultClass::Protocol
                    && (!began || broke.class == FaultClass::Protocol) =>
        {
            *fault = broke;
        }
        // An error of which the status alone could be read.
        Some(fault) if !began => fault.message = broke.message,
        None if broke.class != FaultClass::Interrupted => events.push(Event::Fault(broke)),
        // The provider's own words stand.
        Some(_) => Note::tell(About::Aside, format!("then {}", broke.message), events),
        None => {
            let text = format!("after the answer's end, {}", broke.message);
            Note::tell(About::Aside, text, events);
        }
    }
}
