//! Secrets that come back: a server that repeats the key in its complaint must not bring it into a
//! log, the history or onto the screen.
//!
//! In: the headers that were sent, the events that came. Out: the same events with every secret value
//! of those headers covered.

use http::HeaderMap;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use crate::{
    dialect::Decoder,
    event::{Event, Fault},
};

/// What stands in a secret's place.
const COVER: &str = "•••";

/// Shorter values are no secrets (a test server's "none"), and covering them would tear text apart.
const SHORTEST: usize = 6;

/// The text with a secret covered, wherever it stands.
pub(crate) fn cover(text: &str, secret: &str) -> String {
    if secret.len() < SHORTEST {
        text.to_owned()
    } else {
        text.replace(secret, COVER)
    }
}

/// The secret values of one request.
#[derive(Clone, Debug, Default)]
pub struct Mask {
    secrets: Vec<SecretString>,
}

impl Mask {
    /// The values that are marked sensitive among these headers, without the word before a token.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let sensitive = headers.values().filter(|value| value.is_sensitive());
        let secrets = sensitive
            .filter_map(|value| value.to_str().ok()?.split_whitespace().last())
            .map(|word| word.to_owned().into())
            .collect();
        Self { secrets }
    }

    /// The fault with every secret covered, the provider's own words otherwise kept.
    #[must_use]
    pub fn fault(&self, mut fault: Fault) -> Fault {
        self.cover_fault(&mut fault);
        fault
    }

    /// A decoder whose faults, notes and unknown things have every secret covered. What the model says
    /// is its own, and is passed on untouched.
    #[must_use]
    pub fn decoder(self, inner: Box<dyn Decoder>) -> Box<dyn Decoder> {
        if self.secrets.is_empty() {
            inner
        } else {
            Box::new(Masked { mask: self, inner })
        }
    }

    fn event(&self, event: &mut Event) {
        match event {
            Event::Fault(fault) => self.cover_fault(fault),
            Event::Note(note) => self.text(&mut note.text),
            Event::Meta { id, model } => {
                for text in [id, model].into_iter().flatten() {
                    self.text(text);
                }
            }
            Event::Echo { parameters } => {
                for value in parameters.values_mut() {
                    if let Value::String(text) = value {
                        self.text(text);
                    }
                }
            }
            Event::Finish(finish) => self.text(&mut finish.raw),
            Event::Unknown { kind, raw } => {
                self.text(kind);
                self.text(raw);
            }
            _ => {}
        }
    }

    fn cover_fault(&self, fault: &mut Fault) {
        self.text(&mut fault.message);
        if let Some(code) = &mut fault.code {
            self.text(code);
        }
    }

    fn text(&self, text: &mut String) {
        for secret in &self.secrets {
            if text.contains(secret.expose_secret()) {
                *text = cover(text, secret.expose_secret());
            }
        }
    }
}

struct Masked {
    mask: Mask,
    inner: Box<dyn Decoder>,
}

impl Decoder for Masked {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<Event>) {
        let before = out.len();
        self.inner.push(bytes, out);
        (out.iter_mut().skip(before)).for_each(|event| self.mask.event(event));
    }

    fn trailers(&mut self, trailers: &HeaderMap, out: &mut Vec<Event>) {
        let before = out.len();
        self.inner.trailers(trailers, out);
        (out.iter_mut().skip(before)).for_each(|event| self.mask.event(event));
    }

    fn end(&mut self, out: &mut Vec<Event>) {
        let before = out.len();
        self.inner.end(out);
        (out.iter_mut().skip(before)).for_each(|event| self.mask.event(event));
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::event::{About, FaultClass, Note, Phase};

    fn mask() -> Mask {
        let mut headers = HeaderMap::new();
        for (name, value, sensitive) in [
            ("authorization", "Bearer sk-hunter2", true),
            ("x-team", "tiger-team", true),
            ("x-short", "none", true),
            ("accept", "text/event-stream", false),
        ] {
            let mut value = HeaderValue::from_static(value);
            value.set_sensitive(sensitive);
            headers.insert(name, value);
        }
        Mask::of(&headers)
    }

    #[test]
    fn only_the_secret_words_of_a_fault_are_covered() {
        let mut fault = Fault::new(
            FaultClass::Auth,
            Phase::Headers,
            "Incorrect key sk-hunter2 of tiger-team, none accepted; text/event-stream",
        );
        fault.code = Some("bad:sk-hunter2".into());
        let covered = mask().fault(fault);
        assert_eq!(
            covered.message,
            "Incorrect key ••• of •••, none accepted; text/event-stream"
        );
        assert_eq!(covered.code.as_deref(), Some("bad:•••"));
        assert!(!format!("{:?}", mask()).contains("hunter2"));
    }

    /// Says each thing once, then the fault at the end.
    struct Echo;

    impl Decoder for Echo {
        fn push(&mut self, bytes: &[u8], out: &mut Vec<Event>) {
            let text = String::from_utf8_lossy(bytes).into_owned();
            out.push(Event::Text { text: text.clone() });
            Note::tell(About::Aside, text.clone(), out);
            out.push(Event::Unknown {
                kind: text.clone(),
                raw: text,
            });
        }

        fn end(&mut self, out: &mut Vec<Event>) {
            let fault = Fault::new(FaultClass::Provider, Phase::Stream, "sk-hunter2");
            out.push(Event::Fault(fault));
        }
    }

    #[test]
    fn a_decoder_covers_what_is_no_answer_of_the_model() {
        let mut decoder = mask().decoder(Box::new(Echo));
        let mut events = Vec::new();
        decoder.push(b"a sk-hunter2 b", &mut events);
        decoder.end(&mut events);
        let (covered, own) = ("a ••• b".to_owned(), "a sk-hunter2 b".to_owned());
        assert_eq!(
            events[..3],
            [
                Event::Text { text: own },
                Event::Note(Note::new(About::Aside, covered.clone())),
                Event::Unknown {
                    kind: covered.clone(),
                    raw: covered
                },
            ]
        );
        assert!(matches!(&events[3], Event::Fault(fault) if fault.message == "•••"));
    }
}
