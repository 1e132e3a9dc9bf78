use http::{HeaderMap, HeaderName, HeaderValue};

use super::*;
use crate::event::{About, Citation, FaultClass, Finish, FinishReason, Note, Phase, ToolCallDelta};

const KEY: &str = "sk-hunter2/+&=0123456789";

fn headers(headers: &[(&str, &str, bool)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value, sensitive) in headers {
        let mut value: HeaderValue = value.parse().unwrap();
        value.set_sensitive(*sensitive);
        map.insert(HeaderName::from_bytes(name.as_bytes()).unwrap(), value);
    }
    map
}

fn mask() -> Mask {
    let mut secrets = Secrets::default();
    let bearer = format!("Bearer {KEY}");
    secrets.of_headers(&headers(&[("authorization", &bearer, true)]));
    secrets.mask()
}

fn covered(mask: &Mask, text: &str) -> String {
    let mut text = text.to_owned();
    mask.text(&mut text);
    text
}

#[test]
fn every_secret_of_a_call_is_covered_and_nothing_else() {
    let mut secrets = Secrets::default();
    secrets.of_headers(&headers(&[
        ("authorization", "Basic dXNlcjpodW50ZXItNA==", true),
        ("cookie", "a=1; session=hunter-5; theme=darkest", true),
        ("x-api-key", "two words", true),
        ("x-model", "mistral-large", false),
    ]));
    for url in [
        "https://h/v1?key=AIza-hunter3&api-version=2024-10-21",
        "http://me:hunter%2F6@proxy:1",
    ] {
        secrets.of_url(&url.parse().unwrap());
    }
    secrets.of_secret(&"hunter-7".to_owned().into());
    let mask = secrets.mask();
    for (text, expected) in [
        ("AIza-hunter3 of 2024-10-21", "••• of 2024-10-21"),
        ("dXNlcjpodW50ZXItNA== is hunter-4", "••• is •••"),
        ("hunter-5", "•••"),
        ("two words or two or words", "••• or two or words"),
        ("mistral-large", "mistral-large"),
        ("hunter%2F6 hunter/6 hunter-7", "••• ••• •••"),
    ] {
        assert_eq!(covered(&mask, text), expected);
    }
    assert!(!format!("{mask:?}").contains("hunter"));
}

#[test]
fn what_people_write_for_no_key_is_no_secret() {
    for dummy in ["ollama", "LM-Studio", "not-needed", "none", "x"] {
        let mask = Mask::of_secrets([dummy]);
        let text = format!("run it with {dummy}");
        assert_eq!(covered(&mask, &text), text);
    }
}

#[test]
fn a_secret_is_found_in_every_form() {
    let mask = mask();
    for form in [
        KEY,
        "SK-HUNTER2/+&=0123456789",
        "sk-hunter2%2F%2B%26%3D0123456789",
        "sk-hunter2%2f%2b%26%3d0123456789",
        "sk-hunter2\\/+&=0123456789",
        "sk-hunter2/+\\u0026=0123456789",
        "sk-hunter2/+&amp;=0123456789",
        "c2staHVudGVyMi8rJj0wMTIzNDU2Nzg5",
    ] {
        assert_eq!(covered(&mask, &format!("a {form} b")), "a ••• b");
    }
    let mut raw = r#"{"a":"\u0073k-hunter2\u002f+&=0123456789","n":1}"#.to_owned();
    mask.json(&mut raw);
    assert_eq!(raw, r#"{"a":"•••","n":1}"#);
}

#[test]
fn what_a_cut_left_of_a_secret_is_covered() {
    let mask = mask();
    for (text, expected) in [
        ("bad key sk-hunter2/+&=0123…", "bad key •••…"),
        (
            "bad key sk-hunter2/+&=0123… and more",
            "bad key •••… and more",
        ),
        ("bad key sk-hunter2/+&=", "bad key •••"),
        ("keys begin with sk-", "keys begin with sk-"),
        ("keys begin with sk-h…", "keys begin with sk-h…"),
    ] {
        assert_eq!(covered(&mask, text), expected);
    }
}

/// One of each kind, the key in each of its texts.
fn each_kind() -> Vec<Event> {
    let key = || KEY.to_owned();
    let fault = Fault::new(FaultClass::Provider, Phase::Stream, KEY);
    let media = Media {
        mime: key(),
        data: format!("<svg>{KEY}</svg>").into_bytes().into(),
        uri: Some(key()),
        name: key(),
    };
    vec![
        Event::Meta {
            id: Some(key()),
            model: Some(key()),
        },
        Event::Echo {
            parameters: [(key(), serde_json::json!([{ KEY: KEY }]))]
                .into_iter()
                .collect(),
        },
        Event::Text { text: key() },
        Event::Reasoning { text: key() },
        Event::Refusal { text: key() },
        Event::ToolCall(ToolCallDelta {
            index: 0,
            id: Some(key()),
            name: Some(key()),
            arguments: key(),
        }),
        Event::Media(media),
        Event::Signature { value: key() },
        Event::Citation(Citation {
            url: Some(key()),
            title: Some(key()),
            quote: Some(key()),
        }),
        Event::Opaque {
            kind: key(),
            raw: serde_json::json!({ KEY: KEY }).to_string(),
        },
        Event::Timing { name: key(), ns: 1 },
        Event::Finish(Finish {
            reason: FinishReason::Other,
            raw: key(),
        }),
        Event::Note(Note::new(About::Aside, key())),
        Event::Unknown {
            kind: key(),
            raw: key(),
        },
        Event::Fault(Fault {
            code: Some(key()),
            ..fault
        }),
    ]
}

#[test]
fn every_field_of_every_event_is_covered() {
    for mut event in each_kind() {
        mask().event(&mut event);
        let json = serde_json::to_string(&event).unwrap();
        assert!(!json.contains("hunter2"), "{json}");
        if let Event::Media(media) = &event {
            assert_eq!(
                &*media.data,
                format!("<svg>{}</svg>", "*".repeat(KEY.len())).as_bytes()
            );
        }
    }
}

/// Says each character of the text that it gets as an event of its own.
struct Letters(fn(String) -> Event);

impl Decoder for Letters {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<Event>) {
        for part in String::from_utf8_lossy(bytes).split_inclusive(|_| true) {
            out.push((self.0)(part.to_owned()));
            out.push(Event::keep_alive());
        }
    }

    fn end(&mut self, out: &mut Vec<Event>) {
        out.push(Event::Done);
    }
}

fn spelled(say: fn(String) -> Event, text: &str) -> String {
    let mut events = Vec::new();
    let mut decoder = mask().decoder(Box::new(Letters(say)));
    decoder.push(text.as_bytes(), &mut events);
    decoder.end(&mut events);
    assert_eq!(
        events.last(),
        Some(&Event::Done),
        "what was held back stands before the end"
    );
    let texts = events.into_iter().map(|event| match event {
        Event::Text { text } | Event::Reasoning { text } | Event::Refusal { text } => text,
        Event::Signature { value } => value,
        Event::ToolCall(delta) => delta.name.unwrap_or_default() + &delta.arguments,
        _ => String::new(),
    });
    texts.collect()
}

#[test]
fn a_secret_that_is_spelled_out_over_events_is_covered() {
    let says: [fn(String) -> Event; 6] = [
        |text| Event::Text { text },
        |text| Event::Reasoning { text },
        |text| Event::Refusal { text },
        |value| Event::Signature { value },
        |arguments| {
            Event::ToolCall(ToolCallDelta {
                arguments,
                ..ToolCallDelta::default()
            })
        },
        |name| {
            Event::ToolCall(ToolCallDelta {
                name: Some(name),
                ..ToolCallDelta::default()
            })
        },
    ];
    for say in says {
        let text = spelled(say, &format!("the key {KEY} and {KEY}."));
        assert!(!text.contains("unter2") && text.ends_with("•••."), "{text}");
        for plain in ["sk-hunters and sk-hunt", "sk-sk-sk-hun", "nothing of it"] {
            assert_eq!(spelled(say, plain), plain);
        }
        let cut = spelled(say, &KEY[..15]);
        assert_eq!(cut, "sk-•••");
    }
}

#[test]
fn a_secret_is_covered_though_other_things_stand_between_its_pieces() {
    let mask = mask();
    let (mut tails, mut out) = (Tails::default(), Vec::new());
    for part in [&KEY[..9], &KEY[9..16], &KEY[16..]] {
        let text = part.to_owned();
        tails.take(&mask, Event::Text { text }, &mut out);
        tails.take(&mask, Event::Reasoning { text: "…".into() }, &mut out);
    }
    tails.end(&mask, &mut out);
    let text: String = out
        .iter()
        .filter_map(|e| {
            if let Event::Text { text } = e {
                Some(text.as_str())
            } else {
                None
            }
        })
        .collect();
    assert!(
        !text.contains(&KEY[..12]) && !text.contains(&KEY[12..]),
        "{text}"
    );
}
