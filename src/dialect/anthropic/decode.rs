//! Reads the events of a streamed message, or a whole one that was not streamed.

use super::{
    block::Blocks,
    counts::{MessageUsage, finish_class},
};
use crate::{
    body::{
        AnswerEnd, ExtraFields, FrameOutcome, FrameReader,
        decoder::note_after_end,
        error::{self, ProviderError},
        excerpt::excerpt,
        json::{self, Fields, Scanned},
        typed,
    },
    event::{About, Event, Finish, Note, Usage},
};

/// Reads one answer.
#[derive(Debug, Default)]
pub(super) struct MessageReader {
    /// Whether any event of a message came.
    started: bool,
    /// Whether any event of an unknown type came.
    has_unknown: bool,
    /// Whether `message_stop` came.
    stopped: bool,
    /// The last `stop_reason`.
    finish: Option<String>,
    blocks: Blocks,
    counts: MessageUsage,
    /// The last counts that were emitted.
    emitted: Usage,
    extra_fields: ExtraFields,
}

/// Fields that are read, or irrelevant to the answer; any other field is noted.
const MESSAGE_FIELDS: &[&str] = &[
    "id",
    "type",
    "role",
    "model",
    "content",
    "stop_reason",
    "usage",
];
const EVENT_FIELDS: &[&str] = &["type", "index", "message", "delta", "usage"];
const DELTA_FIELDS: &[&str] = &["type", "stop_reason"];

/// Iterations whose tokens are part of the message's counts; others are billed in addition
/// (<https://platform.claude.com/docs/en/build-with-claude/compaction>).
const COUNTED_ITERATIONS: &[&str] = &["message", "fallback_message"];

impl FrameReader for MessageReader {
    const CALLS_HAVE_IDS: bool = true;

    fn read(&mut self, name: &str, data: &str, out: &mut Vec<Event>) -> FrameOutcome {
        let outcome = self.read_data(name, data, out);
        if !matches!(outcome, FrameOutcome::Read) && !self.stopped {
            self.emit_counts(true, out);
        }
        outcome
    }

    fn is_over(&self) -> bool {
        self.stopped
    }

    fn may_end(&self) -> bool {
        self.stopped || self.finish.is_some()
    }

    fn end(&mut self, out: &mut Vec<Event>) -> AnswerEnd {
        if self.stopped {
            return AnswerEnd::Marked;
        }
        if self.finish.is_some() {
            return AnswerEnd::Unmarked(Some("the stream ended without message_stop"));
        }
        self.emit_counts(true, out);
        match (self.started, self.has_unknown) {
            (true, _) => AnswerEnd::BrokeOff("the stream ended without message_stop".into()),
            (false, false) => AnswerEnd::BrokeOff("the stream ended before message_start".into()),
            (false, true) => AnswerEnd::NoAnswer("this is not a message".into()),
        }
    }
}

impl MessageReader {
    fn read_data(&mut self, name: &str, data: &str, out: &mut Vec<Event>) -> FrameOutcome {
        let scanned = Scanned::of(data);
        let (kind, fields) = match typed(name, &scanned) {
            Ok(event) => event,
            Err(outcome) => return outcome,
        };
        if kind.is_empty()
            && let Some(error) = error::business_error_in(data)
        {
            return FrameOutcome::Failed(error);
        }
        if self.stopped && is_content(&kind) {
            note_after_end(&excerpt(data), out);
            return FrameOutcome::Read;
        }
        match self.read_event(&kind, &fields, data, out) {
            Ok(()) => match fields.stated("error") {
                Some(raw) => FrameOutcome::Failed(ProviderError::of_field(raw.get(), data)),
                None => FrameOutcome::Read,
            },
            Err(why) => FrameOutcome::Unreadable(format!("an event is not as documented ({why})")),
        }
    }

    fn read_event(
        &mut self,
        kind: &str,
        fields: &Fields<'_>,
        data: &str,
        out: &mut Vec<Event>,
    ) -> serde_json::Result<()> {
        let index = || {
            fields
                .stated("index")
                .and_then(|raw| raw.get().parse().ok())
        };
        match (kind, fields.stated(content_field(kind))) {
            ("ping", _) => {
                out.push(Event::keep_alive());
                return Ok(());
            }
            ("message_start", Some(message)) => self.start(&Fields::of(message)?, out)?,
            ("content_block_start", Some(block)) => self.blocks.start(index(), block, out)?,
            ("content_block_delta", Some(delta)) => self.blocks.delta(index(), delta, out)?,
            ("content_block_stop", _) => self.blocks.stop(index(), out),
            ("message_delta", delta) => {
                if let Some(delta) = delta {
                    let delta = Fields::of(delta)?;
                    self.read_stop_reason(&delta, out);
                    self.read_extra_fields(&delta, DELTA_FIELDS, out);
                }
                self.read_usage(fields, out);
                self.read_extra_fields(fields, EVENT_FIELDS, out);
            }
            ("message_stop", _) => {
                self.read_extra_fields(fields, EVENT_FIELDS, out);
                self.stop(true, out);
            }
            // A whole message, not streamed.
            ("message", _) => {
                self.start(fields, out)?;
                self.stop(false, out);
            }
            _ => {
                self.has_unknown = true;
                let (kind, raw) = (kind.to_owned(), data.to_owned());
                out.push(Event::Unknown { kind, raw });
                return Ok(());
            }
        }
        self.started = true;
        Ok(())
    }

    /// Starts a message. One that was not streamed is complete.
    fn start(&mut self, message: &Fields<'_>, out: &mut Vec<Event>) -> serde_json::Result<()> {
        if self.started {
            // The first one counts, as in the official clients.
            Note::emit(About::Form, "message_start came again", out);
            return Ok(());
        }
        let text = |name| message.stated(name).and_then(json::string);
        let (id, model) = (text("id"), text("model"));
        if id.is_some() || model.is_some() {
            out.push(Event::Meta { id, model });
        }
        let content = message.stated("content").and_then(json::elements);
        for (index, block) in (0..).zip(content.into_iter().flatten()) {
            self.blocks.start(Some(index), block, out)?;
            self.blocks.stop(Some(index), out);
        }
        self.read_usage(message, out);
        self.read_stop_reason(message, out);
        self.read_extra_fields(message, MESSAGE_FIELDS, out);
        Ok(())
    }

    /// Notes fields that are not read: the container, context edits, the stop string. Fields of numbers alone are
    /// skipped.
    fn read_extra_fields(&mut self, fields: &Fields<'_>, read: &[&str], out: &mut Vec<Event>) {
        for (name, raw) in fields.iter() {
            // JSON nested too deep to search may hold text.
            if !read.contains(&&*name) && json::holds_text(raw).unwrap_or(true) {
                self.extra_fields.note(&name, raw.get(), out);
            }
        }
    }

    /// Reads the stop reason, if there is one.
    fn read_stop_reason(&mut self, fields: &Fields<'_>, out: &mut Vec<Event>) {
        let Some(raw) = fields.stated("stop_reason").and_then(json::word) else {
            return;
        };
        self.blocks.stop_all(out);
        let details = fields
            .stated("stop_details")
            .and_then(|raw| Fields::of(raw).ok());
        let explanation = details.and_then(|details| json::string(details.stated("explanation")?));
        if self.finish.as_ref() != Some(&raw) {
            out.extend(explanation.map(|text| Event::Refusal { text }));
            self.finish = Some(raw.clone());
            let reason = finish_class(&raw);
            out.push(Event::Finish(Finish { reason, raw }));
        }
    }

    /// Reads the counts, and emits them.
    fn read_usage(&mut self, fields: &Fields<'_>, out: &mut Vec<Event>) {
        let Some(raw) = fields.stated("usage") else {
            return;
        };
        if let Ok(stated) = Fields::of(raw) {
            self.read_counts(&stated, out);
        }
        let is_start = fields.stated("role").is_some() && fields.stated("stop_reason").is_none();
        self.emit_counts(!is_start, out);
    }

    fn read_counts(&mut self, stated: &Fields<'_>, out: &mut Vec<Event>) {
        for odd in self.counts.take(stated) {
            Note::emit(About::Usage, odd, out);
        }
        let iterations = stated.stated("iterations").and_then(json::elements);
        for iteration in iterations.into_iter().flatten() {
            let fields = Fields::of(iteration).ok();
            let kind = fields.and_then(|fields| json::text(fields.stated("type")?));
            if !COUNTED_ITERATIONS.contains(&&*kind.unwrap_or_default()) {
                self.extra_fields
                    .note("counted apart", iteration.get(), out);
            }
        }
    }

    /// Emits the counts, if they changed. The output count in `message_start` is one or a few tokens: it is emitted
    /// only if the message ended or broke off there, without another count.
    fn emit_counts(&mut self, with_output: bool, out: &mut Vec<Event>) {
        let mut usage = self.counts.usage();
        usage.output = usage.output.filter(|_| with_output);
        if usage.output.is_some() && usage.output < self.emitted.output {
            Note::emit(About::Usage, "the count of output tokens fell", out);
        }
        if usage != self.emitted && usage != Usage::default() {
            self.emitted = usage;
            out.push(Event::Usage(usage));
        }
    }

    fn stop(&mut self, streamed: bool, out: &mut Vec<Event>) {
        if self.stopped {
            return Note::emit(About::EndMark, "message_stop came again", out);
        }
        self.blocks.stop_all(out);
        if self.finish.is_none() {
            Note::emit(
                About::Finish,
                "the message ended without a stop_reason",
                out,
            );
        }
        self.stopped = true;
        out.extend(streamed.then_some(Event::Done));
    }
}

/// Whether an event is part of a message's content.
fn is_content(kind: &str) -> bool {
    kind.starts_with("content_block")
        || matches!(kind, "message" | "message_start" | "message_delta")
}

/// The event's field that has its content.
fn content_field(kind: &str) -> &'static str {
    match kind {
        "message_start" => "message",
        "content_block_start" => "content_block",
        _ => "delta",
    }
}
