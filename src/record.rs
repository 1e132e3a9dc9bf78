//! The JSON lines that commands print: one an event, and one at the end of each run.
//!
//! In: [`Event`]s and a [`CheckedRun`] or an [`Answer`]. Out: lines that a script can rely on and that are safe
//! on a terminal.

use std::io::{self, BufWriter, Write as _};

use serde::{Serialize, Serializer, ser::SerializeMap as _};
use serde_json::{Map, Value, json};

use crate::{
    chat::Media,
    conformance::CheckedRun,
    dialect::DialectId,
    event::{Answer, AnswerPieceKind},
    measure::figures,
    price::PriceTable,
    run::{self, ConnectionKind, LinkTry, Span, StampedBy},
    transport::ConnectionLoss,
    visible::visible_json,
};

#[cfg(doc)]
use crate::event::Event;

/// Writes one JSON line. An [`Event`] is written in its serde form, `{"type": …}`.
///
/// # Errors
/// If writing fails; a closed pipe is [`io::ErrorKind::BrokenPipe`].
pub fn write_line(to: &mut impl io::Write, line: &impl Serialize) -> io::Result<()> {
    let mut safe = safe(to);
    serde_json::to_writer(&mut safe, line)?;
    safe.write_all(b"\n")?;
    safe.flush()
}

/// Writes a value as JSON over several lines.
///
/// # Errors
/// As [`write_line`].
pub fn write_pretty(to: &mut impl io::Write, value: &impl Serialize) -> io::Result<()> {
    let mut safe = safe(to);
    serde_json::to_writer_pretty(&mut safe, value)?;
    safe.write_all(b"\n")?;
    safe.flush()
}

/// A writer that escapes unsafe characters in JSON. `serde_json` writes whole characters, and one fragment for each
/// escape.
fn safe<W: io::Write>(to: &mut W) -> BufWriter<Safe<'_, W>> {
    BufWriter::with_capacity(16 << 10, Safe(to))
}

/// Makes JSON safe on its way, a piece at a time: an answer may be as large as memory.
struct Safe<'a, W>(&'a mut W);

impl<W: io::Write> io::Write for Safe<'_, W> {
    fn write(&mut self, json: &[u8]) -> io::Result<usize> {
        let text = std::str::from_utf8(json).map_err(io::Error::other)?;
        let piece = &text[..border(text)];
        self.0.write_all(visible_json(piece).as_bytes())?;
        Ok(piece.len())
    }

    /// Whoever writes lines decides when they are to be seen.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How much of a text is made safe at once, so that a long one is not copied. It is cut between two letters, where
/// none decides how the other is shown.
fn border(text: &str) -> usize {
    const MOST: usize = 64 << 10;
    let bytes = text.as_bytes();
    if bytes.len() <= MOST {
        return bytes.len();
    }
    let is_between =
        |at: &usize| bytes[*at - 1].is_ascii_graphic() && bytes[*at].is_ascii_graphic();
    let border = (1..=MOST).rev().find(is_between);
    border.unwrap_or_else(|| text.floor_char_boundary(MOST))
}

/// A closing line. The long texts of its answer are not copied.
#[derive(Debug)]
pub struct ClosingLine<'a> {
    /// All fields in their order; those of `answer`'s texts are null.
    fields: Map<String, Value>,
    answer: &'a Answer,
}

impl ClosingLine<'_> {
    fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.fields.insert(name.to_owned(), value.into());
    }

    /// Sets a figure, in its group if it has one; a group of which nothing is known is null.
    fn set_figure(&mut self, key: &str, value: Option<f64>) {
        let Some((_, group, name)) = GROUPED.iter().find(|(figure, ..)| *figure == key) else {
            return self.set(key, value);
        };
        let group = self.fields.entry(*group).or_insert(Value::Null);
        if value.is_some() || !group.is_null() {
            group[*name] = number(value);
        }
    }
}

impl Serialize for ClosingLine<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.fields.len()))?;
        for (name, value) in &self.fields {
            match name.as_str() {
                "text" => map.serialize_entry(name, &self.answer.text)?,
                "reasoning" => map.serialize_entry(name, &self.answer.reasoning)?,
                "refusal" => map.serialize_entry(name, &self.answer.refusal)?,
                "tool_calls" => map.serialize_entry(name, &self.answer.tool_calls)?,
                _ => map.serialize_entry(name, value)?,
            }
        }
        map.end()
    }
}

/// A figure of a group; a count without a fraction.
fn number(value: Option<f64>) -> Value {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number, and not below 0"
    )]
    match value {
        Some(count) if count.fract() == 0.0 && count >= 0.0 => (count as u64).into(),
        value => value.into(),
    }
}

/// Figures that stand together in an object: its name, and theirs in it.
const GROUPED: &[(&str, &str, &str)] = &[
    ("our_delay_p50_ms", "our_delay_ms", "p50"),
    ("our_delay_max_ms", "our_delay_ms", "max"),
    ("tcp_rtt_ms", "tcp", "rtt_ms"),
    ("tcp_min_rtt_ms", "tcp", "min_rtt_ms"),
    ("tcp_retransmits", "tcp", "retransmits"),
    ("tcp_congestion_window", "tcp", "congestion_window"),
    ("tcp_lost", "tcp", "lost"),
    ("tcp_out_of_order", "tcp", "out_of_order"),
];

/// The closing line of a run: `{"type": "run", …}`, unknown figures null.
#[must_use]
pub fn run_line<'a>(run: &'a CheckedRun, prices: &PriceTable) -> ClosingLine<'a> {
    let head = &run.head;
    let stamps = &run.stamps;
    let started = (stamps.started_unix_ns != 0).then_some(stamps.started_unix_ns);
    let mut line = answer_fields(&run.answer);
    // A string: a number in JSON can't be relied on to keep so many digits.
    line.set("id", head.id.0.to_string());
    line.set("target", head.target.to_string());
    line.set("dialect", head.dialect.as_str());
    line.set("url", head.url.as_str());
    line.set("route", head.route.as_str());
    line.set("origin", head.origin.as_str());
    line.set("simulated", head.simulated);
    line.set("connection", run.connection.map(ConnectionKind::as_str));
    line.set("status", run.status);
    line.set("http_version", run.http_version.as_deref());
    line.set("started_unix_ns", started);
    line.set("lasted_ms", stamps.closed.map(run::ms));
    line.set("stamp", run.stamped_by().map(StampedBy::as_str));
    let ready = stamps.link.as_ref().filter(|link| link.id > 0);
    line.set("connection_id", ready.map(|link| link.id));
    line.set("connection_uses", ready.map(|link| link.uses));
    let connection = stamps.link.as_ref();
    let address = connection.and_then(|link| link.address);
    line.set("address", address.map(|address| address.to_string()));
    let tries = connection.map_or(&[][..], |link| &link.tries);
    line.set(
        "addresses_tried",
        tries.iter().map(tried).collect::<Vec<_>>(),
    );
    let tls = connection.and_then(|link| link.tls);
    line.set("tls_version", tls.map(|tls| tls.version.as_str()));
    line.set("tls_resumed", tls.map(|tls| tls.resumed));
    let lost = connection.and_then(|link| link.lost);
    line.set("connection_lost", lost.map(ConnectionLoss::as_str));
    for figure in figures() {
        line.set_figure(figure.key, (figure.value)(run, prices));
    }
    line.set("findings", json!(run.findings()));
    line
}

/// A try to connect; `ms` is null if it was dropped.
fn tried(one: &LinkTry) -> Value {
    json!({
        "address": one.address,
        "outcome": one.outcome,
        "begin_ms": run::ms(one.begin),
        "ms": one.span().map(Span::ms),
    })
}

/// The closing line of a body that was only decoded: the same without times.
#[must_use]
pub fn answer_line(dialect: DialectId, status: u16, answer: &Answer) -> ClosingLine<'_> {
    let mut line = answer_fields(answer);
    line.set("dialect", dialect.as_str());
    line.set("status", status);
    line
}

/// What every closing line has, in its order; what only a run knows is null.
fn answer_fields(answer: &Answer) -> ClosingLine<'_> {
    let finish = answer.finish.as_ref();
    let notes: Map<String, Value> = (answer.notes.iter())
        .map(|(note, n)| (note.text.clone(), (*n).into()))
        .collect();
    let times: Map<String, Value> = (answer.timings.iter())
        .map(|(name, ns)| (name.clone(), run::ms(*ns).into()))
        .collect();
    let mut fields = json!({
        "type": "run",
        "id": null,
        "target": null,
        "outcome": if answer.fault.is_some() { "fault" } else { "ok" },
        "fault": answer.fault,
        "text": null,
        "reasoning": null,
        "refusal": null,
        "tool_calls": null,
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
    });
    let fields = fields.as_object_mut().map(std::mem::take);
    ClosingLine {
        fields: fields.unwrap_or_default(),
        answer,
    }
}

/// A file that the model made, without its bytes.
fn media(media: &Media) -> Value {
    json!({ "mime": media.mime, "bytes": media.data.len(), "uri": media.uri })
}

/// The types of the items that only their protocol understands.
fn items(answer: &Answer) -> Vec<&str> {
    let kinds = answer.pieces.iter().filter_map(|piece| match &piece.kind {
        AnswerPieceKind::Opaque { name, .. } => Some(name.as_str()),
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

    #[test]
    fn a_long_text_is_made_safe_in_pieces() {
        let text = "a\u{202e}é👩\u{200d}🚀xy".repeat(20_000);
        let mut out = Vec::new();
        write_line(&mut out, &Event::Text { text: text.clone() }).unwrap();
        let line = String::from_utf8(out).unwrap();
        assert!(!line.contains('\u{202e}'));
        assert_eq!(
            line.matches('\u{200d}').count(),
            20_000,
            "what belongs to an emoji stays"
        );
        let back: Event = serde_json::from_str(&line).unwrap();
        assert!(back == Event::Text { text });
    }
}
