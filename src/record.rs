//! The JSON lines that commands print: one an event, and one at the end of each run.
//!
//! In: [`Event`]s and a [`Run`] or an [`Answer`]. Out: lines that a script can rely on and that are safe
//! on a terminal.

use std::io;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{
    chat::Media,
    conformance,
    dialect::DialectId,
    event::{Answer, PieceKind},
    measure::{self, FIGURES},
    run::{Connection, Run},
    visible::visible_json,
};

#[cfg(doc)]
use crate::event::Event;

/// Writes one JSON line. An [`Event`] is written in its serde form, `{"type": …}`.
///
/// # Errors
/// If writing fails; a closed pipe is [`io::ErrorKind::BrokenPipe`].
pub fn write_line(to: &mut impl io::Write, line: &impl Serialize) -> io::Result<()> {
    let json = serde_json::to_string(line).map_err(io::Error::other)?;
    write_safe(to, &json)
}

/// Writes a value as JSON over several lines.
///
/// # Errors
/// As [`write_line`].
pub fn write_pretty(to: &mut impl io::Write, value: &impl Serialize) -> io::Result<()> {
    let json = serde_json::to_string_pretty(value).map_err(io::Error::other)?;
    write_safe(to, &json)
}

fn write_safe(to: &mut impl io::Write, json: &str) -> io::Result<()> {
    let mut safe = visible_json(json).into_owned();
    safe.push('\n');
    to.write_all(safe.as_bytes())
}

/// The closing line of a run: `{"type": "run", …}`, unknown figures null.
#[must_use]
pub fn run_line(run: &Run) -> Value {
    let head = &run.head;
    let stamps = &run.stamps;
    let started = (stamps.started_unix_ns != 0).then_some(stamps.started_unix_ns);
    let mut line = answer_fields(&run.answer);
    line["target"] = head.target.to_string().into();
    line["dialect"] = head.dialect.as_str().into();
    line["url"] = head.url.as_str().into();
    line["route"] = head.route.as_str().into();
    line["origin"] = head.origin.as_str().into();
    line["simulated"] = head.simulated.into();
    line["connection"] = run.connection.map(Connection::as_str).into();
    line["status"] = run.status.into();
    line["http_version"] = run.http_version.as_deref().into();
    line["started_unix_ns"] = started.into();
    line["lasted_ms"] = stamps.closed.map(measure::ms).into();
    for figure in FIGURES {
        line[figure.key] = (figure.value)(run).into();
    }
    line["findings"] = json!(conformance::findings(run));
    line
}

/// The closing line of a body that was only decoded: the same without times.
#[must_use]
pub fn answer_line(dialect: DialectId, status: u16, answer: &Answer) -> Value {
    let mut line = answer_fields(answer);
    line["dialect"] = dialect.as_str().into();
    line["status"] = status.into();
    line
}

/// What every closing line has, in its order; what only a run knows is null.
fn answer_fields(answer: &Answer) -> Value {
    let finish = answer.finish.as_ref();
    let notes: Map<String, Value> = (answer.notes.iter())
        .map(|(note, n)| (note.text.clone(), (*n).into()))
        .collect();
    let times: Map<String, Value> = (answer.timings.iter())
        .map(|(name, ns)| (name.clone(), measure::ms(*ns).into()))
        .collect();
    json!({
        "type": "run",
        "target": null,
        "outcome": if answer.fault.is_some() { "fault" } else { "ok" },
        "fault": answer.fault,
        "text": answer.text,
        "reasoning": answer.reasoning,
        "refusal": answer.refusal,
        "tool_calls": answer.tool_calls,
        "finish": finish.map(|f| f.raw.as_str()),
        "finish_class": finish.map(|f| f.reason.as_str()),
        "finish_raw": finish.map(|f| f.raw.as_str()),
        "usage": answer.usage,
        "connection": null,
        "dialect": null,
        "url": null,
        "route": null,
        "origin": null,
        "simulated": null,
        "status": null,
        "http_version": null,
        "model": answer.model,
        "response_id": answer.response_id,
        "done": answer.done,
        "media": answer.media.iter().map(media).collect::<Vec<_>>(),
        "citations": answer.citations,
        "items": items(answer),
        "server_times_ms": times,
        "keep_alives": answer.keep_alives,
        "notes": notes,
        "unknown": answer.unknown.len(),
        "started_unix_ns": null,
    })
}

/// A file that the model made, without its bytes.
fn media(media: &Media) -> Value {
    json!({ "mime": media.mime, "bytes": media.data.len(), "uri": media.uri })
}

/// The types of the items that only their protocol understands.
fn items(answer: &Answer) -> Vec<&str> {
    let kinds = answer.pieces.iter().filter_map(|piece| match &piece.kind {
        PieceKind::Opaque { name, .. } => Some(name.as_str()),
        _ => None,
    });
    kinds.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;

    #[test]
    fn nothing_that_a_terminal_obeys_gets_through() {
        let text = "a\u{1b}[31m\u{7f}\u{9b}31m\u{202e}\u{2066}\u{feff}\u{e0041}é中👩‍🚀\n";
        let mut out = Vec::new();
        write_line(&mut out, &Event::Text { text: text.into() }).unwrap();
        let line = String::from_utf8(out).unwrap();
        assert_eq!(
            line,
            "{\"type\":\"text\",\"text\":\"a\\u001b[31m\\u007f\\u009b31m\\u202e\\u2066\\ufeff\\udb40\\udc41\
             é中👩\u{200d}🚀\\n\"}\n"
        );
        let back: Event = serde_json::from_str(&line).unwrap();
        assert_eq!(back, Event::Text { text: text.into() });
    }
}
