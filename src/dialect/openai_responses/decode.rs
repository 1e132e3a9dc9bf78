//! Reads the typed events of a streamed response, or a whole one that was not streamed.

use serde_json::{Map, Value};

use super::{
    counts,
    items::Items,
    places::ItemRef,
    whole::{TextChannel, empty_piece},
};
use crate::{
    body::{
        AnswerEnd, FrameOutcome, FrameReader,
        decoder::note_after_end,
        error,
        excerpt::excerpt,
        json::{self, Fields, Raw, Scanned},
        typed,
    },
    event::{About, Event, Finish, FinishReason, Note},
};

/// Reads one answer.
#[derive(Debug, Default)]
pub(super) struct ResponseReader {
    /// Whether anything of a response was read.
    started: bool,
    /// Whether the response's end was read.
    over: bool,
    /// Its id and model, as reported.
    reported: (Option<String>, Option<String>),
    items: Items,
}

impl FrameReader for ResponseReader {
    const CALLS_HAVE_IDS: bool = true;

    fn read(&mut self, name: &str, data: &str, out: &mut Vec<Event>) -> FrameOutcome {
        let scanned = Scanned::of(data);
        let (kind, fields) = match typed(name, &scanned) {
            Ok(event) => event,
            Err(outcome) => return outcome,
        };
        let read = match &*kind {
            "" if fields.stated("output").is_some() => self.read_whole(&fields, out),
            "" if let Some(error) = error::business_error_in(data) => {
                return FrameOutcome::Failed(error);
            }
            kind if self.over && is_content(kind) => {
                note_after_end(&excerpt(data), out);
                return FrameOutcome::Read;
            }
            kind => self.read_event(kind, &fields, data, out),
        };
        match read {
            Ok(None) => FrameOutcome::Read,
            Ok(Some(error)) => FrameOutcome::Failed(error),
            Err(why) => FrameOutcome::Unreadable(format!("an event is not as documented ({why})")),
        }
    }

    fn is_over(&self) -> bool {
        self.over
    }

    fn may_end(&self) -> bool {
        self.over
    }

    fn end(&mut self, out: &mut Vec<Event>) -> AnswerEnd {
        self.items.flush_surrogate(out);
        self.items.end_audio(out);
        match (self.over, self.started) {
            (true, _) => AnswerEnd::Marked,
            (false, true) => {
                AnswerEnd::BrokeOff("the stream ended without response.completed".into())
            }
            (false, false) => AnswerEnd::NoAnswer("this is not a response of this protocol".into()),
        }
    }
}

type EventResult = serde_json::Result<Option<error::ProviderError>>;

impl ResponseReader {
    fn read_event(
        &mut self,
        kind: &str,
        fields: &Fields<'_>,
        data: &str,
        out: &mut Vec<Event>,
    ) -> EventResult {
        if matches!(
            kind,
            "ping" | "keepalive" | "response.keepalive" | "heartbeat"
        ) {
            out.push(Event::keep_alive());
            return Ok(None);
        }
        let known = self.read_part(kind, fields, out)?;
        if known {
            self.started = true;
            return Ok(None);
        }
        let response = fields.stated("response").map(Fields::of).transpose()?;
        match (kind, response) {
            ("response.created" | "response.in_progress" | "response.queued", response) => {
                self.started = true;
                if let Some(response) = response {
                    self.read_meta(&response, out);
                }
            }
            (
                "response.completed"
                | "response.incomplete"
                | "response.failed"
                | "response.cancelled"
                // Sent by servers that follow the Realtime protocol.
                | "response.done",
                Some(response),
            ) => {
                self.started = true;
                let stated = || response.stated("status").and_then(json::word);
                let status = match kind {
                    "response.done" => stated().unwrap_or_else(|| "completed".into()),
                    kind => kind.trim_start_matches("response.").to_owned(),
                };
                let error = self.read_ending(&status, &response, out)?;
                if error.is_none() {
                    out.push(Event::Done);
                }
                return Ok(error);
            }
            _ if is_tool_progress(kind) || self.items.is_other(&stated(fields)) => out.push(empty_piece()),
            _ => out.push(Event::Unknown {
                kind: kind.to_owned(),
                raw: data.to_owned(),
            }),
        }
        Ok(None)
    }

    /// Reads an event about an item; returns whether it was one.
    fn read_part(
        &mut self,
        kind: &str,
        fields: &Fields<'_>,
        out: &mut Vec<Event>,
    ) -> serde_json::Result<bool> {
        let kind = kind.strip_prefix("response.").unwrap_or(kind);
        if let Some((channel, name)) = text_event(kind) {
            self.read_text(kind, channel, name, fields, out);
            return Ok(true);
        }
        let bytes = |name| fields.stated(name).and_then(json::bytes);
        let items = &mut self.items;
        match kind {
            "function_call_arguments.delta" | "custom_tool_call_input.delta" => {
                match bytes("delta") {
                    Some(piece) => return Ok(items.push_arguments(stated(fields), piece, out)),
                    None => note_empty(kind, out),
                }
            }
            "function_call_arguments.done" | "custom_tool_call_input.done" => {
                let whole = bytes("arguments").or_else(|| bytes("input"));
                let whole = whole.unwrap_or_default();
                return Ok(items.whole_arguments(stated(fields), whole, out));
            }
            "output_item.added" | "output_item.done" => {
                let Some(raw) = fields.stated("item") else {
                    return Ok(false);
                };
                let index = fields.stated("output_index").and_then(integer);
                if kind.ends_with("added") {
                    items.add(index, raw, out)?;
                } else {
                    items.end(index, raw, out)?;
                }
            }
            "output_text.annotation.added" => {
                let Some(raw) = fields.stated("annotation") else {
                    return Ok(false);
                };
                items.annotate(raw, out);
            }
            "audio.delta" => {
                let piece = fields.stated("delta").and_then(json::string);
                items.push_audio(&piece.unwrap_or_default(), out);
            }
            "audio.done" => items.end_audio(out),
            // Their texts come in other events.
            "content_part.added"
            | "content_part.done"
            | "reasoning_summary_part.added"
            | "reasoning_summary_part.done" => {}
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Reads a piece of a text, or a whole one.
    fn read_text(
        &mut self,
        kind: &str,
        channel: TextChannel,
        name: &str,
        fields: &Fields<'_>,
        out: &mut Vec<Event>,
    ) {
        let part = match channel {
            TextChannel::Summary => "summary_index",
            _ => "content_index",
        };
        let part = number(fields, part);
        match (name, fields.stated(name).and_then(json::bytes)) {
            ("delta", Some(text)) => self
                .items
                .push_text(stated(fields), channel, part, text, out),
            ("delta", None) => note_empty(kind, out),
            (_, Some(text)) => self
                .items
                .whole_text(stated(fields), channel, part, text, out),
            (_, None) => {}
        }
    }

    fn read_meta(&mut self, response: &Fields<'_>, out: &mut Vec<Event>) {
        let text = |name| response.stated(name).and_then(json::string);
        let now = (text("id"), text("model"));
        if now != self.reported && now != (None, None) {
            let (id, model) = now.clone();
            out.push(Event::Meta { id, model });
            self.reported = now;
        }
    }

    fn read_whole(&mut self, response: &Fields<'_>, out: &mut Vec<Event>) -> EventResult {
        self.started = true;
        let status = response.stated("status").and_then(json::word);
        let status = status.unwrap_or_else(|| "completed".into());
        self.read_ending(&status, response, out)
    }

    /// Reads the final response: items that were not streamed, token counts, the finish reason.
    fn read_ending(
        &mut self,
        status: &str,
        response: &Fields<'_>,
        out: &mut Vec<Event>,
    ) -> EventResult {
        if self.over {
            Note::emit(About::EndMark, "the response ended twice", out);
            return Ok(None);
        }
        self.items.flush_surrogate(out);
        self.read_meta(response, out);
        let output = response.stated("output").and_then(json::elements);
        for (position, item) in (0..).zip(output.into_iter().flatten()) {
            self.items.repeat(position, item, out)?;
        }
        emit_echo(response, out);
        if status == "completed" {
            self.items.end_open(out);
        }
        if let Some(raw) = response.stated("usage") {
            counts::emit(raw, out);
        }
        let error = response.stated("error");
        if error.is_some() || matches!(status, "failed" | "cancelled" | "in_progress" | "queued") {
            let own = error.and_then(|raw| json::value(raw.get()).ok());
            let own = own.and_then(|value| error::provider_error(&value));
            let text = format!("the response's status is {status}");
            if matches!(status, "failed" | "cancelled") {
                out.push(Event::Finish(self.finish(status, response)));
            }
            return Ok(Some(
                own.unwrap_or_else(|| error::ProviderError::of_text(&text)),
            ));
        }
        self.over = true;
        out.push(Event::Finish(self.finish(status, response)));
        Ok(None)
    }

    fn finish(&self, status: &str, response: &Fields<'_>) -> Finish {
        let details = response
            .stated("incomplete_details")
            .and_then(|raw| Fields::of(raw).ok());
        let why = details.and_then(|details| json::word(details.stated("reason")?));
        let raw = why.unwrap_or_else(|| status.to_owned());
        let reason = match raw.as_str() {
            "completed" if self.items.calls() > 0 => FinishReason::ToolCalls,
            "completed" => FinishReason::Stop,
            "max_output_tokens" | "max_tokens" => FinishReason::Length,
            "content_filter" => FinishReason::ContentFilter,
            _ => FinishReason::Other,
        };
        Finish { reason, raw }
    }
}

/// The request's parameters that a response echoes.
const ECHOED: &[&str] = &[
    "temperature",
    "top_p",
    "max_output_tokens",
    "max_tool_calls",
    "parallel_tool_calls",
    "reasoning",
    "service_tier",
    "store",
    "text",
    "tool_choice",
    "top_logprobs",
    "truncation",
];

fn emit_echo(response: &Fields<'_>, out: &mut Vec<Event>) {
    let echoed = ECHOED.iter().filter_map(|name| {
        let value = json::value(response.stated(name)?.get()).ok()?;
        Some(((*name).to_owned(), value))
    });
    let parameters: Map<String, Value> = echoed.collect();
    if !parameters.is_empty() {
        out.push(Event::Echo { parameters });
    }
}

/// The channel of a text event, and the field that holds its text.
fn text_event(kind: &str) -> Option<(TextChannel, &'static str)> {
    let (of, stage) = kind.rsplit_once('.')?;
    let channel = match of {
        "output_text" => TextChannel::Text,
        "refusal" => TextChannel::Refusal,
        "reasoning_text" | "reasoning" => TextChannel::Reasoning,
        "audio.transcript" => TextChannel::Transcript,
        "reasoning_summary_text" | "reasoning_summary" => TextChannel::Summary,
        _ => return None,
    };
    match stage {
        "delta" => Some((channel, "delta")),
        "done" => Some((channel, channel.field())),
        _ => None,
    }
}

/// Whether an event is part of the content; a second end mark is noted elsewhere.
fn is_content(kind: &str) -> bool {
    let kind = kind.strip_prefix("response.").unwrap_or(kind);
    kind.contains('.')
}

/// Whether an event reports the progress of a built-in tool: the finished item holds all of it.
fn is_tool_progress(kind: &str) -> bool {
    let kind = kind.strip_prefix("response.").unwrap_or(kind);
    let of = kind.split('.').next().unwrap_or_default();
    let is_call = of.ends_with("_call") || of.contains("_call_");
    (is_call && of != "function_call_arguments") || matches!(of, "mcp_list_tools" | "compaction")
}

/// The item that an event refers to.
fn stated<'a>(fields: &Fields<'a>) -> ItemRef<'a> {
    ItemRef {
        index: fields.stated("output_index").and_then(integer),
        id: fields.stated("item_id").and_then(json::text),
    }
}

fn integer(raw: Raw<'_>) -> Option<u64> {
    raw.get().parse().ok()
}

/// A number; 0 if it is missing.
fn number(fields: &Fields<'_>, name: &str) -> u64 {
    fields.stated(name).and_then(integer).unwrap_or(0)
}

fn note_empty(kind: &str, out: &mut Vec<Event>) {
    Note::emit(About::Form, format!("{kind} is empty"), out);
}
