//! Reads the responses of one stream, each a `GenerateContentResponse`, into events.
//!
//! The protocol has no end mark: an answer is whole once a finish reason, or why the prompt was blocked,
//! was said. Early servers say `STOP` in every chunk, so one that is followed by more content without a
//! reason does not count.

use std::collections::{HashMap, HashSet};

use super::{call::Calls, finish::class_of, part::OpenPart, sources, usage::GeminiCounts};
use crate::{
    body::{
        AnswerEnd, FrameOutcome, FrameReader,
        error::{self, ProviderError},
        json::{self, Fields, Raw, Scanned},
        text::SurrogateJoiner,
    },
    event::{About, Event, Finish, FinishReason},
};

/// Fields of a response that say nothing of the answer itself.
const RESPONSE_METADATA: &[&str] = &["createTime", "sdkHttpResponse"];

/// Fields of a candidate that say nothing of the answer itself.
const CANDIDATE_METADATA: &[&str] = &[
    "avgLogprobs",
    // For a further request, which goes on where `CONTINUATION` ended this answer.
    "continuationToken",
    "groundingAttributions",
    "index",
    "logprobsResult",
    "tokenCount",
];

/// The note on candidates that are not shown.
const ANOTHER_CANDIDATE: &str = "more than one candidate came; only the first is shown";
/// The note on one answer under several indices.
const RENUMBERED: &str = "the answer is spread over several candidates and was joined";

/// Reads one answer.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "five things that were seen, in any mix"
)]
pub(in crate::dialect) struct GeminiReader {
    /// Whether something was there that only this protocol says.
    pub(in crate::dialect) answered: bool,
    /// Whether the answer may end here.
    pub(in crate::dialect) finished: bool,
    /// Whether content followed a reason to end: this server says one in every chunk.
    went_on: bool,
    /// Whether anything was said that a user sees.
    pub(in crate::dialect) spoke: bool,
    /// The index of the candidate that is shown: the first that came.
    shown: Option<i64>,
    /// Whether several candidates came together.
    several: bool,
    /// An error that a candidate holds.
    failed: Option<ProviderError>,
    finish: Option<Finish>,
    told: ReportedGeminiMeta,
    pub(in crate::dialect) counts: GeminiCounts,
    /// The last value of each unknown field: some are repeated in every chunk.
    pub(super) unknown: HashMap<String, String>,
    pub(super) noted: HashSet<String>,
    /// The sources that were told: each chunk may repeat them.
    pub(super) cited: HashSet<[Option<String>; 3]>,
    pub(in crate::dialect) calls: Calls,
    pub(super) text: SurrogateJoiner,
    pub(super) reasoning: SurrogateJoiner,
    /// The part that the next piece of text would go on with.
    pub(super) open: OpenPart,
}

/// What of the answer's identity was told already; every chunk repeats it.
#[derive(Debug, Default)]
struct ReportedGeminiMeta {
    id: bool,
    model: bool,
}

impl FrameReader for GeminiReader {
    fn read(&mut self, name: &str, data: &str, out: &mut Vec<Event>) -> FrameOutcome {
        if name == "error" {
            return FrameOutcome::Failed(ProviderError::of_data(data));
        }
        match self.read_all(data, out) {
            Ok(None) => FrameOutcome::Read,
            Ok(Some(error)) => FrameOutcome::Failed(error),
            Err(error) => {
                FrameOutcome::Unreadable(format!("this is not a Gemini response ({error})"))
            }
        }
    }

    fn may_end(&self) -> bool {
        self.finished && !self.went_on
    }

    /// The protocol has none of its own; some gateways add this one.
    fn foreign_end_mark(&mut self, out: &mut Vec<Event>) {
        out.push(Event::Done);
    }

    fn end(&mut self, out: &mut Vec<Event>) -> AnswerEnd {
        for (kind, piece) in [
            (OpenPart::Reasoning, self.reasoning.end()),
            (OpenPart::Text, self.text.end()),
        ] {
            self.note_repairs(&piece, out);
            if !piece.text.is_empty() {
                out.push(kind.piece(piece.text));
            }
        }
        if self.calls.close(out) {
            self.note(About::Form, "a function call was not closed", out);
        }
        if let Some(why) = self.counts.oddity() {
            self.note(About::Usage, why, out);
        }
        // Calls may follow the reason that ends for them.
        if let Some(finish) = self.finish.take_if(|f| f.raw == "STOP") {
            let reason = class_of(&finish.raw, self.calls.count());
            if reason != finish.reason {
                let raw = finish.raw;
                out.push(Event::Finish(Finish { reason, raw }));
            }
        }
        match (self.answered, self.finished) {
            (_, true) => AnswerEnd::Unmarked(None),
            (true, false) => AnswerEnd::BrokeOff("the stream ended without a finish reason".into()),
            (false, false) => AnswerEnd::NoAnswer("what came is no answer of Gemini's".into()),
        }
    }

    /// What an answer in one piece said is whole, though its reason to end was left out.
    fn end_plain(&mut self, out: &mut Vec<Event>) -> AnswerEnd {
        match self.end(out) {
            AnswerEnd::BrokeOff(_) if self.spoke => {
                self.note(
                    About::Finish,
                    "the answer came without a finish reason",
                    out,
                );
                AnswerEnd::Marked
            }
            AnswerEnd::BrokeOff(_) => {
                AnswerEnd::NoAnswer("the answer says nothing, and not why it ended".into())
            }
            ended => ended,
        }
    }
}

impl GeminiReader {
    /// Reads a response, or an array of them: some gateways send one as an event, with an error in it.
    fn read_all(
        &mut self,
        data: &str,
        out: &mut Vec<Event>,
    ) -> serde_json::Result<Option<ProviderError>> {
        let scanned = Scanned::of(data);
        if !data.starts_with('[') {
            return self.read_response(data, &scanned.fields()?, out);
        }
        for element in scanned.list()? {
            if let Some(error) = self.read_response(element.get(), &Fields::of(element)?, out)? {
                return Ok(Some(error));
            }
        }
        Ok(None)
    }

    fn read_response(
        &mut self,
        data: &str,
        response: &Fields<'_>,
        out: &mut Vec<Event>,
    ) -> serde_json::Result<Option<ProviderError>> {
        let before = out.len();
        if !self.told.id || !self.told.model {
            let said = |name| response.get(name).and_then(json::string);
            self.tell(said("responseId"), said("modelVersion"), out);
        }
        let (mut alive, mut says) = (false, false);
        for (key, raw) in response.iter() {
            match &*key {
                "responseId" | "modelVersion" => {}
                _ if json::is_void(raw) => {}
                "candidates" => {
                    says = true;
                    alive |= self.read_candidates(raw, out)?;
                }
                "promptFeedback" => self.read_feedback(raw, out)?,
                "usageMetadata" => {
                    self.answered = true;
                    json::not_too_deep(raw)?;
                    out.extend(self.counts.read(raw).map(Event::Usage));
                }
                // Whether the model is to be retired.
                "modelStatus" => self.note_message("the model's status", raw, "message", out),
                "error" => return Ok(Some(ProviderError::of_field(raw.get(), data))),
                key if RESPONSE_METADATA.contains(&key) => {}
                key => self.unknown(key, raw, out)?,
            }
        }
        if alive && out.len() == before {
            out.push(self.alive());
        }
        if self.failed.is_some() {
            return Ok(self.failed.take());
        }
        let mut names = response.iter().map(|(name, _)| name);
        if !says && names.any(|name| error::tells_of_failure(&name)) {
            return Ok(error::business_error(&json::value(data)?));
        }
        Ok(None)
    }

    /// An empty piece: no token, but a sign that the model is at work.
    pub(in crate::dialect) fn alive(&self) -> Event {
        let awaited = self.calls.awaited();
        awaited.unwrap_or_else(|| OpenPart::Text.piece(String::new()))
    }

    /// Tells the answer's identity, where it is news.
    pub(in crate::dialect) fn tell(
        &mut self,
        id: Option<String>,
        model: Option<String>,
        out: &mut Vec<Event>,
    ) {
        let id = id.filter(|_| !self.told.id);
        let model = model.filter(|_| !self.told.model);
        self.told.id |= id.is_some();
        self.told.model |= model.is_some();
        if id.is_some() || model.is_some() {
            out.push(Event::Meta { id, model });
        }
    }

    /// Reads the candidates; gives whether the one that is shown was among them.
    fn read_candidates(&mut self, raw: Raw<'_>, out: &mut Vec<Event>) -> serde_json::Result<bool> {
        let mut shown = false;
        let candidates: Vec<_> = json::list(raw)?.map(Fields::of).collect::<Result<_, _>>()?;
        let stated = |candidate: &Fields<'_>| candidate.get("index")?.get().parse().ok();
        // An index of 0 is left out by some, and all of them by others.
        let any = candidates.iter().any(|one| stated(one).is_some());
        for (candidate, position) in candidates.iter().zip(0_i64..) {
            let index = stated(candidate).unwrap_or(if any { 0 } else { position });
            if self.shows(index, candidates.len() > 1, out) {
                self.read_candidate(candidate, out)?;
                shown = true;
            }
        }
        Ok(shown)
    }

    /// Whether the candidate of this index is the one that is shown; that there are others is noted. Some gateways
    /// number the pieces of one answer so: these come alone, and no number comes twice.
    pub(in crate::dialect) fn shows(
        &mut self,
        index: i64,
        beside_others: bool,
        out: &mut Vec<Event>,
    ) -> bool {
        self.several |= beside_others;
        let shown = *self.shown.get_or_insert(index);
        if shown == index {
            return true;
        }
        if !self.several && index > shown {
            self.shown = Some(index);
            self.note(About::Form, RENUMBERED, out);
            return true;
        }
        self.note(About::Others, ANOTHER_CANDIDATE, out);
        false
    }

    fn read_candidate(
        &mut self,
        candidate: &Fields<'_>,
        out: &mut Vec<Event>,
    ) -> serde_json::Result<()> {
        self.answered = true;
        let before = out.len();
        let content = candidate
            .get("content")
            .filter(|raw| raw.get().starts_with('{'));
        if let Some(content) = content {
            self.read_content(&Fields::of(content)?, out)?;
        }
        self.heed(&out[before..]);
        for (key, raw) in candidate.iter() {
            match &*key {
                "content" if content.is_some() => {}
                _ if json::is_void(raw) => {}
                "finishReason" => self.finish_by(json::word(raw).as_deref(), out),
                "error" => self.failed = Some(ProviderError::of_data(raw.get())),
                "finishMessage" => self.note_text("why it ended", json::string(raw), out),
                "safetyRatings" => self.read_ratings(raw, out),
                "groundingMetadata" => {
                    self.searched(sources::queries(raw), out);
                    self.cite(sources::grounding(raw), out);
                }
                "citationMetadata" => self.cite(sources::citations(raw), out),
                "urlContextMetadata" => self.read_urls(raw, out),
                key if CANDIDATE_METADATA.contains(&key) => {}
                key => self.unknown(&format!("candidates.{key}"), raw, out)?,
            }
        }
        Ok(())
    }

    /// What follows a reason to end takes it back.
    pub(in crate::dialect) fn heed(&mut self, content: &[Event]) {
        if content.iter().any(Event::is_token) {
            self.went_on |= self.finished;
            self.finished = false;
        }
        self.spoke |= content.iter().any(Event::is_visible);
    }

    fn read_content(
        &mut self,
        content: &Fields<'_>,
        out: &mut Vec<Event>,
    ) -> serde_json::Result<()> {
        for (key, raw) in content.iter() {
            match &*key {
                "role" => {}
                _ if json::is_void(raw) => {}
                "parts" => {
                    for part in json::list(raw)? {
                        self.read_part(part, out)?;
                    }
                }
                key => self.unknown(&format!("content.{key}"), raw, out)?,
            }
        }
        Ok(())
    }

    pub(in crate::dialect) fn finish_by(&mut self, word: Option<&str>, out: &mut Vec<Event>) {
        // The enum's zero, which says that there is no reason yet.
        let Some(raw) = word.filter(|word| *word != "FINISH_REASON_UNSPECIFIED") else {
            return;
        };
        self.finish_with(class_of(raw, self.calls.count()), raw, out);
    }

    pub(super) fn finish_with(&mut self, reason: FinishReason, raw: &str, out: &mut Vec<Event>) {
        self.finished = true;
        let raw = raw.to_owned();
        let finish = Finish { reason, raw };
        if self.finish.as_ref() != Some(&finish) {
            self.finish = Some(finish.clone());
            out.push(Event::Finish(finish));
        }
    }

    /// Why the prompt was refused, if it was: then no candidate comes.
    fn read_feedback(&mut self, raw: Raw<'_>, out: &mut Vec<Event>) -> serde_json::Result<()> {
        self.answered = true;
        let feedback = Fields::of(raw)?;
        if let Some(ratings) = feedback.get("safetyRatings") {
            self.read_ratings(ratings, out);
        }
        let said = |name| feedback.get(name).and_then(json::string);
        self.blocked(said("blockReason"), said("blockReasonMessage"), out);
        Ok(())
    }

    fn read_ratings(&mut self, raw: Raw<'_>, out: &mut Vec<Event>) {
        let ratings = json::elements(raw).into_iter().flatten();
        for rating in ratings.filter_map(|rating| Fields::of(rating).ok()) {
            if rating
                .get("blocked")
                .is_some_and(|blocked| blocked.get() == "true")
            {
                let said = |name| rating.get(name).and_then(json::string);
                let category = said("category").unwrap_or_default();
                let probability = said("probability").unwrap_or_default();
                self.rated(&category, &probability, out);
            }
        }
    }

    fn read_urls(&mut self, raw: Raw<'_>, out: &mut Vec<Event>) {
        let (read, failed) = sources::urls(raw);
        self.cite(read, out);
        for (url, status) in failed {
            self.unread(&url, &status, out);
        }
    }
}
