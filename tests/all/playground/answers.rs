//! What an answer holds, shown as it comes.

use egui::{Key, Modifiers};
use egui_kittest::{
    Harness,
    kittest::{NodeT as _, Queryable as _},
};
use tokenscope::{
    event::{About, Event, Finish, FinishReason, Note, ToolCallDelta},
    run::ConnectionKind,
};

use super::{Rig, ask, ended, put, put_closed, put_read, rig, rig_with_tofu, tool_call, waiting};
use crate::desktop::scenes::whole_answer;

#[test]
fn reasoning_is_folded_and_calls_are_shown() {
    let mut harness = rig();
    let sent = ask(&mut harness, "Think");
    let mut run = ended(&sent[0], "So it is", 100, 200, ConnectionKind::Warm);
    run.reasoning = "first I thought".into();
    run.finish = Some(Finish {
        reason: FinishReason::ToolCalls,
        raw: "tool_calls".into(),
    });
    let note = Event::Note(Note::new(About::EndMark, "a second end mark"));
    let call = tool_call(0, "get_weather", "{\"city\":\"Bern\"}");
    put(&mut harness, run.with([call, note.clone(), note]));
    harness.run_steps(2);
    assert!(harness.query_by_label("first I thought").is_none());
    harness.get_by_label("Reasoning · 15 chars").click();
    harness.run_steps(2);
    harness.get_by_label("first I thought");
    harness.get_all_by_label("get_weather").next().unwrap();
    harness.get_by_label_contains("\"city\": \"Bern\"");
    harness.get_by_label("1 note").click();
    harness.run_steps(2);
    harness.get_by_label("End mark: a second end mark (2 times)");
}

#[test]
fn everything_that_an_answer_holds_is_shown() {
    let mut harness = rig();
    let sent = ask(&mut harness, "Weather?");
    let run = ended(&sent[0], "", 100, 200, ConnectionKind::Warm);
    put(&mut harness, run.with(whole_answer(false)));
    harness.run_steps(3);
    for label in [
        "web search call · weather in Tokyo",
        "redacted thinking · encrypted, 1.2 kB",
        "image/png · 2.3 kB",
        "audio/L16;rate=24000 · 96.0 kB",
        "Save file 2 of the answer",
        "Weather in Tokyo today",
        "weather.example",
        "travel-notes.pdf",
    ] {
        let shown = harness.query_all_by_label_contains(label).next().is_some();
        let image = label.starts_with("image/png");
        assert!(shown || image, "{label}");
    }
    let image = harness.query_all_by_label_contains("image/png · ");
    assert_eq!(image.count(), 1);
    // The image stands between the texts, as it came.
    let top = |harness: &Harness<'_, Rig>, label: &str| {
        harness
            .get_all_by_label_contains(label)
            .next()
            .unwrap()
            .rect()
            .top()
    };
    let tops = [
        "web search call",
        "It is cloudy in Tokyo",
        "image/png · ",
        "And a recording",
        "audio/L16",
    ];
    let tops = tops.map(|label| top(&harness, label));
    assert!(tops.is_sorted(), "{tops:?}");
    let item = "web search call · weather in Tokyo";
    harness.get_by_label(item).scroll_to_me();
    harness.run_steps(3);
    harness.get_by_label(item).click();
    harness.run_steps(3);
    harness.get_by_label_contains("\"query\": \"weather in Tokyo\"");
    harness.get_by_label_contains(" notes").scroll_to_me();
    harness.run_steps(3);
    harness.get_by_label_contains(" notes").click();
    harness.run_steps(3);
    harness.get_by_label("Not sent: temperature (this reasoning model samples by itself)");
    harness.get_by_label_contains("kept word for word");
}

#[test]
fn a_call_is_shown_while_its_arguments_come() {
    let mut harness = rig();
    let sent = ask(&mut harness, "What is the weather?");
    let whole = r#"{"city":"Zürich €","note":"`x` and ```y```","days":[1,22]}"#;
    put(&mut harness, waiting(&sent[0]));
    put_read(&mut harness, sent[0].id, &[tool_call(0, "get_weather", "")]);
    for piece in whole.chars() {
        let piece = Event::ToolCall(ToolCallDelta {
            index: 0,
            id: None,
            name: None,
            arguments: piece.into(),
        });
        put_read(&mut harness, sent[0].id, &[piece]);
        harness.run_steps(1);
    }
    harness.run_steps(2);
    harness.get_by_label_contains("\"city\": \"Zürich €\"");
}

/// Everything that can be read in the window.
fn labels(harness: &Harness<'_, Rig>) -> Vec<String> {
    let all = harness.query_all_by(|node| node.label().is_some() || node.value().is_some());
    all.map(|node| {
        let node = node.accesskit_node();
        format!("{:?} {:?}", node.label(), node.value())
    })
    .collect()
}

/// However an answer came in pieces, it ends up as if it had come at once.
#[test]
fn every_stream_is_shown_as_it_comes() {
    const FRAMES: usize = 8;
    let [mut live, mut whole] = [rig_with_tofu(), rig_with_tofu()];
    for (name, events) in crate::dialects::told_streams() {
        for harness in [&mut live, &mut whole] {
            harness.key_press_modifiers(Modifiers::COMMAND, Key::N);
            harness.run_steps(2);
        }
        let run = &ask(&mut live, "Go on")[0];
        put(&mut live, waiting(run));
        for some in events.chunks(events.len().div_ceil(FRAMES).max(1)) {
            put_read(&mut live, run.id, some);
            live.run_steps(1);
        }
        let other = &ask(&mut whole, "Go on")[0];
        put(&mut whole, waiting(other));
        put_read(&mut whole, other.id, &events);
        for (harness, id) in [(&mut live, run.id), (&mut whole, other.id)] {
            put_closed(harness, id);
            harness.run_steps(4);
            // Pictures are decoded on a thread of their own.
            while harness
                .query_all_by_label("Decoding the picture…")
                .next()
                .is_some()
            {
                std::thread::yield_now();
                harness.run_steps(1);
            }
        }
        assert_eq!(labels(&live), labels(&whole), "{name}");
    }
}

#[test]
fn hidden_characters_of_an_answer_are_seen() {
    let mut harness = rig();
    let sent = ask(&mut harness, "Trick me");
    put(
        &mut harness,
        ended(
            &sent[0],
            "safe\u{202e}txt.exe \u{1b}[2J",
            1,
            2,
            ConnectionKind::Warm,
        ),
    );
    harness.run_steps(2);
    harness.get_by_label(r"safe\u{202e}txt.exe \u{1b}[2J");
}
