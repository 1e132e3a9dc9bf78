use std::sync::LazyLock;

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
    for before in ["", "x", "xy", "xyz"] {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        let among = STANDARD.encode(format!("{before}{KEY}z"));
        let covered = covered(&mask, &among);
        assert!(
            covered.contains(COVER) && covered.chars().count() < 12,
            "{among}: {covered}"
        );
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

/// What a stream of these events comes to.
fn streamed(events: impl IntoIterator<Item = Event>) -> Vec<Event> {
    static MASK: LazyLock<Mask> = LazyLock::new(mask);
    let (mut masked, mut out) = (MASK.stream(), Vec::new());
    for event in events {
        masked.take(event, &mut out);
    }
    masked.end(&mut out);
    out
}

/// The texts of some events, one behind the other.
fn texts(events: &[Event]) -> String {
    let text = |event: &Event| match event {
        Event::Text { text } | Event::Reasoning { text } | Event::Refusal { text } => text.clone(),
        Event::Signature { value } => value.clone(),
        Event::ToolCall(delta) => delta.name.clone().unwrap_or_default() + &delta.arguments,
        _ => String::new(),
    };
    events.iter().map(text).collect()
}

fn spelled(say: fn(String) -> Event, text: &str) -> String {
    let letters = text.split_inclusive(|_| true).map(ToOwned::to_owned);
    let events = letters.flat_map(|letter| [say(letter), Event::keep_alive()]);
    let events = streamed(events.chain([Event::Done]));
    assert_eq!(
        events.last(),
        Some(&Event::Done),
        "what was held back stands before the end"
    );
    texts(&events)
}

fn arguments(index: usize, arguments: String) -> Event {
    Event::ToolCall(ToolCallDelta {
        index,
        arguments,
        ..ToolCallDelta::default()
    })
}

fn name(name: String) -> Event {
    Event::ToolCall(ToolCallDelta {
        name: Some(name),
        ..ToolCallDelta::default()
    })
}

/// Each kind of event whose texts come in pieces.
const SAYS: [fn(String) -> Event; 6] = [
    |text| Event::Text { text },
    |text| Event::Reasoning { text },
    |text| Event::Refusal { text },
    |value| Event::Signature { value },
    |text| arguments(0, text),
    name,
];

#[test]
fn a_secret_that_is_spelled_out_over_events_is_covered() {
    for say in SAYS {
        let text = spelled(say, &format!("the key {KEY} and {KEY}."));
        assert_eq!(text, "the key ••• and •••.");
        for plain in ["sk-hunters and sk-hunt", "sk-sk-sk-hun", "nothing of its"] {
            assert_eq!(spelled(say, plain), plain);
        }
        let cut = spelled(say, &KEY[..15]);
        assert_eq!(cut, "•••");
    }
}

/// All ways to cut a text into two or three pieces.
fn cuts(text: &str) -> impl Iterator<Item = Vec<String>> + '_ {
    let piece = |from: usize, to: usize| text[from..to].to_owned();
    (1..text.len()).flat_map(move |second| {
        let two = vec![piece(0, second), piece(second, text.len())];
        let three = (second + 1..text.len()).map(move |third| {
            vec![
                piece(0, second),
                piece(second, third),
                piece(third, text.len()),
            ]
        });
        std::iter::once(two).chain(three)
    })
}

/// What may stand between the pieces of a text without parting them.
fn between() -> [Vec<Event>; 3] {
    let note = Event::Note(Note::new(About::Aside, "hm"));
    [
        vec![],
        vec![Event::keep_alive(), note],
        vec![arguments(7, "{}".to_owned()), arguments(8, "s".to_owned())],
    ]
}

#[test]
fn however_a_secret_is_cut_over_events_nothing_of_it_is_seen() {
    let parts_calls = |say: fn(String) -> Event| matches!(say(String::new()), Event::ToolCall(_));
    for say in SAYS {
        for (around, expected) in [(["", ""], "•••"), (["a ", " b"], "a ••• b")] {
            let whole = format!("{}{KEY}{}", around[0], around[1]);
            for pieces in cuts(&whole) {
                for (kind, between) in between().into_iter().enumerate() {
                    // Text is not held back over a call.
                    if kind == 2 && !parts_calls(say) {
                        continue;
                    }
                    let events = pieces
                        .iter()
                        .flat_map(|piece| [vec![say(piece.clone())], between.clone()].concat());
                    let is_said = |event: &Event| !between.contains(event);
                    let said: Vec<Event> = streamed(events).into_iter().filter(is_said).collect();
                    let own = said.iter().filter(|event| match event {
                        Event::ToolCall(delta) => delta.index == 0,
                        _ => true,
                    });
                    let own: Vec<Event> = own.cloned().collect();
                    assert_eq!(texts(&own), expected, "{pieces:?} {between:?}");
                }
            }
        }
    }
}

#[test]
fn where_another_text_parts_a_secret_three_letters_are_seen_at_most() {
    for pieces in cuts(KEY) {
        let parted = pieces.iter().flat_map(|piece| {
            let text = piece.clone();
            [Event::Text { text }, Event::Reasoning { text: "…".into() }]
        });
        let said = streamed(parted);
        let text = texts(&said).replace('…', "");
        let seen = text.replace(COVER, "");
        assert!(
            seen.len() < 4 && KEY.starts_with(&seen),
            "{pieces:?}: {text}"
        );
        let order = said
            .iter()
            .filter(|event| matches!(event, Event::Reasoning { .. }))
            .count();
        assert_eq!(order, pieces.len());
    }
}

#[test]
fn what_is_no_secret_is_whole_and_in_its_place() {
    let text = |text: &str| Event::Text { text: text.into() };
    let named = |name: &str, arguments: &str| {
        Event::ToolCall(ToolCallDelta {
            name: Some(name.to_owned()),
            arguments: arguments.to_owned(),
            ..ToolCallDelta::default()
        })
    };
    let said = streamed([
        text("it is"),
        named("list_files", ""),
        arguments(0, "{\"a\":\"s".to_owned()),
        arguments(0, "s\"}".to_owned()),
        text("as"),
        Event::Done,
    ]);
    let expected = [
        text("it i"),
        text("s"),
        named("list_file", ""),
        named("s", "{\"a\":\""),
        arguments(0, "ss\"}".to_owned()),
        text("a"),
        text("s"),
        Event::Done,
    ];
    assert_eq!(said, expected);
    assert_eq!(
        streamed([named("list_files", "{}")]),
        [named("list_files", "{}")]
    );
}
