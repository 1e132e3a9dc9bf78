//! Reads one JSON object (a chunk, or a whole completion) into events.

use std::{borrow::Cow, collections::HashMap};

use super::{
    choice::{ChoiceTarget, Choices},
    fields::{CHOICE_METADATA, CHUNK_METADATA, KNOWN_ITEMS, SOURCES, finish_class, usage_of},
    files::{StreamedAudio, each},
    sources::{self, Sources},
    thoughts::Details,
    tool_calls::ToolCalls,
};
use crate::{
    body::{
        error::{self, ProviderError},
        json::{self, Fields, Raw, Scanned},
        text::{JoinedText, SurrogateJoiner},
    },
    event::{About, Event, Finish, Note, Usage},
};

/// The error for JSON that is not a chunk.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) struct NotAChunk(#[from] serde_json::Error);

/// Reads the chunks of one answer, in order.
#[derive(Debug, Default)]
pub(super) struct ChunkReader {
    /// Whether a choice was read.
    pub answered: bool,
    /// The provider's last finish reason.
    pub finish: Option<String>,
    reported: ReportedChatMeta,
    from_deltas: bool,
    /// Whether a whole message was read.
    whole: bool,
    pub(super) text: SurrogateJoiner,
    pub(super) reasoning: SurrogateJoiner,
    pub(super) refusal: SurrogateJoiner,
    pub(super) calls: ToolCalls,
    pub(super) audio: StreamedAudio,
    pub(super) details: Details,
    /// The field that reasoning came in, until it is emitted as the signature.
    pub(super) thought_in: Option<&'static str>,
    sources: Sources,
    usage: Option<Usage>,
    /// An error found in a choice.
    pub(super) failed: Option<ProviderError>,
    /// Which choices belong to the answer.
    pub(super) choices: Choices,
    /// The last value of each unknown field: some are repeated in every chunk.
    shown: HashMap<String, String>,
    noted: Vec<&'static str>,
}

/// The id and model that were reported already; every chunk repeats them.
#[derive(Debug, Default)]
struct ReportedChatMeta {
    id: bool,
    model: bool,
}

/// Token counts, and a note if one is invalid.
type CheckedUsage = (Usage, Option<&'static str>);

/// The fields of one chunk.
#[derive(Default)]
struct ChatChunk<'a> {
    id: Option<Raw<'a>>,
    model: Option<Raw<'a>>,
    choices: Option<Raw<'a>>,
    usage: Option<Raw<'a>>,
    error: Option<Raw<'a>>,
    /// Whether a field reports a failure.
    fails: bool,
    /// Whether it is marked as a keep-alive.
    pings: bool,
    sources: Vec<(&'static str, Raw<'a>)>,
    items: Vec<(&'static str, Raw<'a>)>,
    unknown: Vec<(Cow<'a, str>, Raw<'a>)>,
}

impl ChunkReader {
    /// Appends the events of a chunk. An error in it is returned, for the caller to make a fault of it.
    ///
    /// # Errors
    /// If the text is not a JSON object, is nested too deep, or its `choices` are not choices.
    pub(super) fn read(
        &mut self,
        json: &str,
        out: &mut Vec<Event>,
    ) -> Result<Option<ProviderError>, NotAChunk> {
        let before = out.len();
        let scanned = Scanned::of(json);
        let chunk = sorted(&scanned.fields()?);
        self.read_meta(&chunk, out);
        let mut is_active = chunk.pings;
        if let Some(choices) = chunk.choices.filter(|c| !json::is_void(*c)) {
            is_active |= self.read_choices(choices, out)?;
        }
        if let Some(usage) = chunk.usage {
            self.read_usage(usage_of(usage), out);
        }
        for (name, raw) in chunk.sources {
            self.read_sources(name, raw, out)?;
        }
        for (kind, raw) in chunk.items {
            self.read_item(kind, raw, out)?;
        }
        for (kind, raw) in chunk.unknown {
            self.read_unknown(&kind, raw, out)?;
        }
        let error = match chunk.error {
            Some(error) => Some(ProviderError::of_field(error.get(), json)),
            None if chunk.fails => error::business_error_in(json),
            None => self.failed.take(),
        };
        if is_active && error.is_none() && out.len() == before {
            // An empty piece: not a token, but a sign of activity.
            out.push(Event::Text {
                text: String::new(),
            });
        }
        Ok(error)
    }

    /// Whether the answer came in one piece.
    pub(super) fn is_whole(&self) -> bool {
        self.whole && !self.from_deltas
    }

    /// Emits what is still pending at the end of the answer.
    pub(super) fn end(&mut self, out: &mut Vec<Event>) {
        let piece = self.reasoning.end();
        emit_piece(piece, out, |text| Event::Reasoning { text });
        let piece = self.text.end();
        emit_piece(piece, out, |text| Event::Text { text });
        let piece = self.refusal.end();
        emit_piece(piece, out, |text| Event::Refusal { text });
        let halves: Vec<_> = self.calls.end().collect();
        for (delta, piece) in halves {
            out.push(Event::ToolCall(delta));
            piece.note_repairs(out);
        }
        out.extend(self.audio.end().map(Event::Media));
        self.details.end(!self.calls.is_empty(), out);
    }

    fn read_meta(&mut self, chunk: &ChatChunk<'_>, out: &mut Vec<Event>) {
        let id = chunk
            .id
            .filter(|_| !self.reported.id)
            .and_then(json::string);
        let model = (chunk.model.filter(|_| !self.reported.model)).and_then(json::string);
        self.reported.id |= id.is_some();
        self.reported.model |= model.is_some();
        if id.is_some() || model.is_some() {
            out.push(Event::Meta { id, model });
        }
    }

    fn read_usage(&mut self, (usage, odd): CheckedUsage, out: &mut Vec<Event>) {
        if let Some(odd) = odd {
            self.note_once(About::Usage, odd, out);
        }
        if usage != Usage::default() && self.usage != Some(usage) {
            self.usage = Some(usage);
            out.push(Event::Usage(usage));
        }
    }

    /// Reads the choices that belong to the answer; returns whether one had an empty text.
    fn read_choices(&mut self, raw: Raw<'_>, out: &mut Vec<Event>) -> Result<bool, NotAChunk> {
        let choices: Vec<_> = json::list(raw)?.map(Fields::of).collect::<Result<_, _>>()?;
        let mut is_active = false;
        for choice in &choices {
            match self.choices.place(choice, choices.len() > 1) {
                ChoiceTarget::Other => {
                    let text = "more than one choice came; only the first is shown";
                    self.note_once(About::Others, text, out);
                    continue;
                }
                ChoiceTarget::Renumbered => {
                    let text = "the answer is spread over several choices and was joined";
                    self.note_once(About::Form, text, out);
                }
                ChoiceTarget::Same => {}
            }
            is_active |= self.read_choice(choice, out)?;
        }
        Ok(is_active)
    }

    /// Reads one choice; returns whether it had an empty text.
    fn read_choice(
        &mut self,
        choice: &Fields<'_>,
        out: &mut Vec<Event>,
    ) -> Result<bool, NotAChunk> {
        self.answered = true;
        let object = |name| choice.get(name).filter(|raw| raw.get().starts_with('{'));
        let is_active = match (object("delta"), object("message")) {
            (Some(delta), _) => {
                let tokens = out.len();
                let is_active = self.read_delta(delta, "delta", out)?;
                self.from_deltas |= out[tokens..].iter().any(Event::is_token);
                is_active
            }
            (None, Some(_)) if self.from_deltas => {
                self.note_once(
                    About::Form,
                    "a whole message after its pieces was left out",
                    out,
                );
                false
            }
            (None, Some(message)) => {
                self.whole = true;
                self.read_delta(message, "message", out)?
            }
            (None, None) => match choice.get("text") {
                Some(text) => self.read_content(text, out)?,
                None => false,
            },
        };
        for (key, raw) in choice.iter() {
            match &*key {
                "index" | "delta" | "message" => {}
                "finish_reason" => self.read_finish(raw, out),
                // OpenRouter: the provider failed.
                "error" if !json::is_void(raw) => {
                    self.failed = Some(ProviderError::of_data(raw.get()));
                }
                // Moonshot.
                "usage" => self.read_usage(usage_of(raw), out),
                key if CHOICE_METADATA.contains(&key) => {}
                key => self.read_unknown(&format!("choices.{key}"), raw, out)?,
            }
        }
        Ok(is_active)
    }

    fn read_finish(&mut self, raw: Raw<'_>, out: &mut Vec<Event>) {
        let Some(word) = json::word(raw) else {
            return;
        };
        if self.finish.as_ref() != Some(&word) {
            out.push(Event::Finish(Finish {
                reason: finish_class(&word),
                raw: word.clone(),
            }));
            self.finish = Some(word);
        }
    }

    /// Emits the sources of a list that were not reported yet; other entries are emitted as unknown.
    pub(super) fn read_sources(
        &mut self,
        name: &str,
        raw: Raw<'_>,
        out: &mut Vec<Event>,
    ) -> Result<(), NotAChunk> {
        for element in each(raw) {
            match sources::source(element) {
                Some(source) if self.sources.is_new(&source) => out.push(Event::Citation(source)),
                Some(_) => {}
                None => self.read_unknown(name, element, out)?,
            }
        }
        Ok(())
    }

    /// Emits items of a server's own tools unchanged.
    pub(super) fn read_item(
        &mut self,
        kind: &str,
        raw: Raw<'_>,
        out: &mut Vec<Event>,
    ) -> Result<(), NotAChunk> {
        if self.has_changed(kind, raw)? {
            let (kind, raw) = (kind.to_owned(), raw.get().to_owned());
            out.push(Event::Opaque { kind, raw });
        }
        Ok(())
    }

    pub(super) fn read_unknown(
        &mut self,
        kind: &str,
        raw: Raw<'_>,
        out: &mut Vec<Event>,
    ) -> Result<(), NotAChunk> {
        if self.has_changed(kind, raw)? {
            let (kind, raw) = (kind.to_owned(), raw.get().to_owned());
            out.push(Event::Unknown { kind, raw });
        }
        Ok(())
    }

    /// Whether a field holds text that differs from its last value.
    fn has_changed(&mut self, kind: &str, raw: Raw<'_>) -> Result<bool, NotAChunk> {
        const MAX_KINDS: usize = 64;
        let last = self.shown.get(kind);
        if !json::holds_text(raw)? || last.is_some_and(|last| last == raw.get()) {
            return Ok(false);
        }
        if self.shown.len() < MAX_KINDS || last.is_some() {
            self.shown.insert(kind.to_owned(), raw.get().to_owned());
        }
        Ok(true)
    }

    pub(super) fn note_once(&mut self, about: About, text: &'static str, out: &mut Vec<Event>) {
        if !self.noted.contains(&text) {
            self.noted.push(text);
            Note::emit(about, text, out);
        }
    }
}

/// Appends a piece of text as an event, if there is any.
pub(super) fn emit_piece(mut piece: JoinedText, out: &mut Vec<Event>, event: fn(String) -> Event) {
    let text = std::mem::take(&mut piece.text);
    if !text.is_empty() {
        out.push(event(text));
    }
    piece.note_repairs(out);
}

fn sorted<'a>(fields: &Fields<'a>) -> ChatChunk<'a> {
    let mut chunk = ChatChunk::default();
    for (key, raw) in fields.iter() {
        match &*key {
            "id" => chunk.id = Some(raw),
            "model" => chunk.model = Some(raw),
            "choices" => chunk.choices = Some(raw),
            "usage" => chunk.usage = Some(raw),
            "object" | "type" => chunk.pings |= raw.get() == r#""ping""#,
            "error" => chunk.error = Some(raw).filter(|raw| !json::is_void(*raw)),
            "x_groq" => sort_groq(raw, &mut chunk),
            "base_resp" => sort_minimax(raw, &mut chunk),
            "code" | "status" | "param" => {}
            key if CHUNK_METADATA.contains(&key) => {}
            // In a chunk with choices, such a field is emitted as unknown.
            key if chunk_fails(key, fields) => chunk.fails = true,
            key if let Some(name) = named(SOURCES, key) => chunk.sources.push((name, raw)),
            key if let Some(name) = named(KNOWN_ITEMS, key) => chunk.items.push((name, raw)),
            _ => chunk.unknown.push((key, raw)),
        }
    }
    // Lists with titles come first: a list of bare URLs may repeat them.
    let place = |name| SOURCES.iter().position(|known| *known == name);
    chunk.sources.sort_by_key(|(name, _)| place(*name));
    chunk
}

/// The static name from the list that equals a field's name.
fn named(names: &[&'static str], key: &str) -> Option<&'static str> {
    names.iter().copied().find(|name| *name == key)
}

/// Whether a field reports a failure, in a chunk without choices.
fn chunk_fails(key: &str, fields: &Fields<'_>) -> bool {
    error::reports_failure(key) && fields.get("choices").is_none_or(json::is_void)
}

/// Groq puts usage, and its own errors, into a field of its own.
fn sort_groq<'a>(raw: Raw<'a>, chunk: &mut ChatChunk<'a>) {
    let Ok(groq) = Fields::of(raw) else {
        return;
    };
    if let Some(usage) = groq.get("usage") {
        chunk.usage = Some(usage);
    }
    chunk.error = groq
        .get("error")
        .filter(|raw| !json::is_void(*raw))
        .or(chunk.error);
}

/// MiniMax reports failures with status 200 and a `base_resp` whose code is not 0.
fn sort_minimax<'a>(raw: Raw<'a>, chunk: &mut ChatChunk<'a>) {
    let code = Fields::of(raw)
        .ok()
        .and_then(|f| f.get("status_code").map(Raw::get));
    if code.is_some_and(|code| code != "0") {
        chunk.error = Some(raw);
    }
}
