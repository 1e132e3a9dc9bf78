//! Reads one JSON object of an answer (a chunk, or a whole completion) into events.

use std::{borrow::Cow, collections::HashMap};

use super::{
    choice::{Choices, Place},
    fields::{CHOICE_METADATA, CHUNK_METADATA, KNOWN_ITEMS, SOURCES, finish_class, usage_of},
    files::{Sound, each},
    sources::{self, Sources},
    thoughts::Details,
    tool_calls::ToolCalls,
};
use crate::{
    body::{
        error::{self, ProviderError},
        json::{self, Fields, Raw, Scanned},
        text::{Joiner, Piece},
    },
    event::{About, Event, Finish, Note, Usage},
};

/// A JSON text that is no chunk; says why.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) struct NotAChunk(#[from] serde_json::Error);

/// Reads the chunks of one answer, in order.
#[derive(Debug, Default)]
pub(super) struct ChunkReader {
    /// Whether a choice 0 was there.
    pub answered: bool,
    /// The provider's last finish word.
    pub finish: Option<String>,
    told: Told,
    from_deltas: bool,
    /// Whether a whole message was there.
    whole: bool,
    pub(super) text: Joiner,
    pub(super) reasoning: Joiner,
    pub(super) refusal: Joiner,
    pub(super) calls: ToolCalls,
    pub(super) sound: Sound,
    pub(super) details: Details,
    /// The field that thoughts came in, until they are signed with it.
    pub(super) thought_in: Option<&'static str>,
    sources: Sources,
    usage: Option<Usage>,
    /// The error that stood in a choice.
    pub(super) failed: Option<ProviderError>,
    /// Which choices are the answer.
    pub(super) choices: Choices,
    /// The last value of each field that is shown as it is: some are repeated in every chunk.
    shown: HashMap<String, String>,
    noted: Vec<&'static str>,
}

/// What of the answer's identity was told already; every chunk repeats it.
#[derive(Debug, Default)]
struct Told {
    id: bool,
    model: bool,
}

/// Token counts, and what is odd about them.
type Counted = (Usage, Option<&'static str>);

/// What one chunk says, sorted out.
#[derive(Default)]
struct Chunk<'a> {
    id: Option<Raw<'a>>,
    model: Option<Raw<'a>>,
    choices: Option<Raw<'a>>,
    usage: Option<Raw<'a>>,
    error: Option<Raw<'a>>,
    /// Whether a field tells of a failure.
    fails: bool,
    /// Whether it says that it only keeps the connection open.
    pings: bool,
    sources: Vec<(&'static str, Raw<'a>)>,
    items: Vec<(&'static str, Raw<'a>)>,
    unknown: Vec<(Cow<'a, str>, Raw<'a>)>,
}

impl ChunkReader {
    /// Appends what a chunk says. An error that it holds comes back, for the caller to make a fault of.
    ///
    /// # Errors
    /// If the text is not JSON, no object, nested too deep, or its `choices` are no choices.
    pub(super) fn read(
        &mut self,
        json: &str,
        out: &mut Vec<Event>,
    ) -> Result<Option<ProviderError>, NotAChunk> {
        let before = out.len();
        let scanned = Scanned::of(json);
        let chunk = sorted(&scanned.fields()?);
        self.read_meta(&chunk, out);
        let mut alive = chunk.pings;
        if let Some(choices) = chunk.choices.filter(|c| !json::is_void(*c)) {
            alive |= self.read_choices(choices, out)?;
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
        if alive && error.is_none() && out.len() == before {
            // An empty piece: no token, but a sign that the model is at work.
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

    /// Appends what still waits at the end of the answer.
    pub(super) fn end(&mut self, out: &mut Vec<Event>) {
        let piece = self.reasoning.end();
        tell(piece, out, |text| Event::Reasoning { text });
        let piece = self.text.end();
        tell(piece, out, |text| Event::Text { text });
        let piece = self.refusal.end();
        tell(piece, out, |text| Event::Refusal { text });
        let halves: Vec<_> = self.calls.end().collect();
        for (delta, piece) in halves {
            out.push(Event::ToolCall(delta));
            piece.note_seams(out);
        }
        out.extend(self.sound.end().map(Event::Media));
        self.details.end(!self.calls.is_empty(), out);
    }

    fn read_meta(&mut self, chunk: &Chunk<'_>, out: &mut Vec<Event>) {
        let id = chunk.id.filter(|_| !self.told.id).and_then(json::string);
        let model = (chunk.model.filter(|_| !self.told.model)).and_then(json::string);
        self.told.id |= id.is_some();
        self.told.model |= model.is_some();
        if id.is_some() || model.is_some() {
            out.push(Event::Meta { id, model });
        }
    }

    fn read_usage(&mut self, (usage, odd): Counted, out: &mut Vec<Event>) {
        if let Some(odd) = odd {
            self.note_once(About::Usage, odd, out);
        }
        if usage != Usage::default() && self.usage != Some(usage) {
            self.usage = Some(usage);
            out.push(Event::Usage(usage));
        }
    }

    /// Reads the choices that are the answer; gives whether they held an empty piece of text.
    fn read_choices(&mut self, raw: Raw<'_>, out: &mut Vec<Event>) -> Result<bool, NotAChunk> {
        let choices: Vec<_> = json::list(raw)?.map(Fields::of).collect::<Result<_, _>>()?;
        let mut alive = false;
        for choice in &choices {
            match self.choices.place(choice, choices.len() > 1) {
                Place::Other => {
                    let text = "more than one choice came; only the first is shown";
                    self.note_once(About::Others, text, out);
                    continue;
                }
                Place::Renumbered => {
                    let text = "the answer is spread over several choices and was joined";
                    self.note_once(About::Form, text, out);
                }
                Place::Same => {}
            }
            alive |= self.read_choice(choice, out)?;
        }
        Ok(alive)
    }

    /// Reads one choice; gives whether it held an empty piece of text.
    fn read_choice(
        &mut self,
        choice: &Fields<'_>,
        out: &mut Vec<Event>,
    ) -> Result<bool, NotAChunk> {
        self.answered = true;
        let object = |name| choice.get(name).filter(|raw| raw.get().starts_with('{'));
        let alive = match (object("delta"), object("message")) {
            (Some(delta), _) => {
                let tokens = out.len();
                let alive = self.read_delta(delta, "delta", out)?;
                self.from_deltas |= out[tokens..].iter().any(Event::is_token);
                alive
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
                // OpenRouter: the provider broke off.
                "error" if !json::is_void(raw) => {
                    self.failed = Some(ProviderError::of_data(raw.get()));
                }
                // Moonshot.
                "usage" => self.read_usage(usage_of(raw), out),
                key if CHOICE_METADATA.contains(&key) => {}
                key => self.read_unknown(&format!("choices.{key}"), raw, out)?,
            }
        }
        Ok(alive)
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

    /// Tells the sources of a list that were not told yet; what is none of them is unknown.
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

    /// Shows the work of a server's own tools as it came.
    pub(super) fn read_item(
        &mut self,
        kind: &str,
        raw: Raw<'_>,
        out: &mut Vec<Event>,
    ) -> Result<(), NotAChunk> {
        if self.is_news(kind, raw)? {
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
        if self.is_news(kind, raw)? {
            let (kind, raw) = (kind.to_owned(), raw.get().to_owned());
            out.push(Event::Unknown { kind, raw });
        }
        Ok(())
    }

    /// Whether a field carries text that it did not carry the last time.
    fn is_news(&mut self, kind: &str, raw: Raw<'_>) -> Result<bool, NotAChunk> {
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
            Note::tell(about, text, out);
        }
    }
}

/// Appends a piece of text as an event, if there is any.
pub(super) fn tell(mut piece: Piece, out: &mut Vec<Event>, event: fn(String) -> Event) {
    let text = std::mem::take(&mut piece.text);
    if !text.is_empty() {
        out.push(event(text));
    }
    piece.note_seams(out);
}

fn sorted<'a>(fields: &Fields<'a>) -> Chunk<'a> {
    let mut chunk = Chunk::default();
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
            // Beside choices such a field is shown as unknown.
            key if chunk_fails(key, fields) => chunk.fails = true,
            key if let Some(name) = named(SOURCES, key) => chunk.sources.push((name, raw)),
            key if let Some(name) = named(KNOWN_ITEMS, key) => chunk.items.push((name, raw)),
            _ => chunk.unknown.push((key, raw)),
        }
    }
    // The lists with titles first: a list of bare URLs may stand beside them.
    let place = |name| SOURCES.iter().position(|known| *known == name);
    chunk.sources.sort_by_key(|(name, _)| place(*name));
    chunk
}

/// The name among these that a field has.
fn named(names: &[&'static str], key: &str) -> Option<&'static str> {
    names.iter().copied().find(|name| *name == key)
}

/// Whether a field tells that there is no answer.
fn chunk_fails(key: &str, fields: &Fields<'_>) -> bool {
    error::tells_of_failure(key) && fields.get("choices").is_none_or(json::is_void)
}

/// Groq states usage, and errors of its own, in a field of its own.
fn sort_groq<'a>(raw: Raw<'a>, chunk: &mut Chunk<'a>) {
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
fn sort_minimax<'a>(raw: Raw<'a>, chunk: &mut Chunk<'a>) {
    let code = Fields::of(raw)
        .ok()
        .and_then(|f| f.get("status_code").map(Raw::get));
    if code.is_some_and(|code| code != "0") {
        chunk.error = Some(raw);
    }
}
