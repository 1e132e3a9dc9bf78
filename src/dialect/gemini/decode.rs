//! Reads the responses of one stream, each a `GenerateContentResponse`, into events.
//!
//! The protocol has no end mark: an answer is complete once a finish or block reason came. Early servers send `STOP` in
//! every chunk, so a reason that is followed by content without one does not count.

use std::collections::{HashMap, HashSet};

use super::{call::Calls, finish::class_of, open_part::OpenPart, sources, usage::GeminiCounts};
use crate::{
    body::{
        AnswerEnd, FrameOutcome, FrameReader,
        error::{self, ProviderError},
        json::{self, Fields, Raw, Scanned},
        text::SurrogateJoiner,
    },
    event::{About, Event, Finish, FinishReason},
};

/// Fields of a response that are irrelevant to the answer.
const RESPONSE_METADATA: &[&str] = &["createTime", "sdkHttpResponse"];

/// Fields of a candidate that are irrelevant to the answer.
const CANDIDATE_METADATA: &[&str] = &[
    "avgLogprobs",
    // For a further request that continues an answer ended by `CONTINUATION`.
    "continuationToken",
    "groundingAttributions",
    "index",
    "logprobsResult",
    "tokenCount",
];

/// The note on candidates that are not shown.
const ANOTHER_CANDIDATE: &str = "more than one candidate came; only the first is shown";
/// The note on one answer whose pieces have several candidate indices.
const RENUMBERED: &str = "the answer is spread over several candidates and was joined";

/// Reads one answer.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "five independent facts")]
pub(in crate::dialect) struct GeminiReader {
    /// Whether a field came that only this protocol has.
    pub(in crate::dialect) recognized: bool,
    /// Whether the last content had a finish reason.
    pub(in crate::dialect) finished: bool,
    /// Whether content followed a finish reason: then this server sends one in every chunk.
    continued_after_finish: bool,
    /// Whether any visible content came.
    pub(in crate::dialect) has_visible: bool,
    /// The index of the shown candidate, which is the first that came.
    shown: Option<i64>,
    /// Whether one response had several candidates.
    several: bool,
    /// The error in a candidate.
    failed: Option<ProviderError>,
    finish: Option<Finish>,
    reported: ReportedGeminiMeta,
    pub(in crate::dialect) counts: GeminiCounts,
    /// The last value of each unknown field: some are repeated in every chunk.
    pub(super) unknown: HashMap<String, String>,
    pub(super) noted: HashSet<String>,
    /// The citations that were emitted: each chunk may repeat them.
    pub(super) cited: HashSet<[Option<String>; 3]>,
    pub(in crate::dialect) calls: Calls,
    pub(super) text: SurrogateJoiner,
    pub(super) reasoning: SurrogateJoiner,
    /// The part that the next piece of text may continue.
    pub(super) open: OpenPart,
}

/// Which of the answer's id and model were reported; every chunk repeats them.
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
        self.finished && !self.continued_after_finish
    }

    /// The protocol has no end mark; some gateways add this one.
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
        if !self.finished && !self.has_visible && self.counts.are_thoughts_alone() {
            // Google leaves the reason out then (https://github.com/router-for-me/CLIProxyAPI/issues/5226).
            let what = "the answer ended with its thoughts, without a finish reason";
            self.note(About::Finish, what, out);
            self.finish_with(FinishReason::Stop, "FINISH_REASON_UNSPECIFIED", out);
        }
        // Calls may follow their finish reason.
        if let Some(finish) = self.finish.take_if(|f| f.raw == "STOP") {
            let reason = class_of(&finish.raw, self.calls.count());
            if reason != finish.reason {
                let raw = finish.raw;
                out.push(Event::Finish(Finish { reason, raw }));
            }
        }
        match (self.recognized, self.finished) {
            (_, true) => AnswerEnd::Unmarked(None),
            (true, false) => AnswerEnd::BrokeOff("the stream ended without a finish reason".into()),
            (false, false) => AnswerEnd::NoAnswer("this is not a Gemini response".into()),
        }
    }

    /// An answer in one piece with content is complete even without a finish reason.
    fn end_plain(&mut self, out: &mut Vec<Event>) -> AnswerEnd {
        match self.end(out) {
            AnswerEnd::BrokeOff(_) if self.has_visible => {
                self.note(
                    About::Finish,
                    "the answer came without a finish reason",
                    out,
                );
                AnswerEnd::Marked
            }
            AnswerEnd::BrokeOff(_) => {
                AnswerEnd::NoAnswer("the answer has neither content nor a finish reason".into())
            }
            ended => ended,
        }
    }
}

impl GeminiReader {
    /// Reads a response, or an array of them: some gateways send an error as an event with an array.
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
        if !self.reported.id || !self.reported.model {
            let text = |name| response.get(name).and_then(json::string);
            self.report_meta(text("responseId"), text("modelVersion"), out);
        }
        let (mut has_shown, mut has_candidates) = (false, false);
        for (key, raw) in response.iter() {
            match &*key {
                "responseId" | "modelVersion" => {}
                _ if json::is_void(raw) => {}
                "candidates" => {
                    has_candidates = true;
                    has_shown |= self.read_candidates(raw, out)?;
                }
                "promptFeedback" => self.read_feedback(raw, out)?,
                "usageMetadata" => {
                    self.recognized = true;
                    json::not_too_deep(raw)?;
                    out.extend(self.counts.read(raw).map(Event::Usage));
                }
                // It says whether the model will be retired.
                "modelStatus" => self.note_message("the model's status", raw, "message", out),
                "error" => return Ok(Some(ProviderError::of_field(raw.get(), data))),
                key if RESPONSE_METADATA.contains(&key) => {}
                key => self.unknown(key, raw, out)?,
            }
        }
        if has_shown && out.len() == before {
            out.push(self.empty_piece());
        }
        if self.failed.is_some() {
            return Ok(self.failed.take());
        }
        let mut names = response.iter().map(|(name, _)| name);
        if !has_candidates && names.any(|name| error::reports_failure(&name)) {
            return Ok(error::business_error(&json::value(data)?));
        }
        Ok(None)
    }

    /// An empty piece: not a token, but it shows that the model is working.
    pub(in crate::dialect) fn empty_piece(&self) -> Event {
        let pending = self.calls.pending();
        pending.unwrap_or_else(|| OpenPart::Text.piece(String::new()))
    }

    /// Emits the answer's id and model, unless they were reported before.
    pub(in crate::dialect) fn report_meta(
        &mut self,
        id: Option<String>,
        model: Option<String>,
        out: &mut Vec<Event>,
    ) {
        let id = id.filter(|_| !self.reported.id);
        let model = model.filter(|_| !self.reported.model);
        self.reported.id |= id.is_some();
        self.reported.model |= model.is_some();
        if id.is_some() || model.is_some() {
            out.push(Event::Meta { id, model });
        }
    }

    /// Reads the candidates. Returns whether the shown one was among them.
    fn read_candidates(&mut self, raw: Raw<'_>, out: &mut Vec<Event>) -> serde_json::Result<bool> {
        let mut shown = false;
        let candidates: Vec<_> = json::list(raw)?.map(Fields::of).collect::<Result<_, _>>()?;
        let stated = |candidate: &Fields<'_>| candidate.get("index")?.get().parse().ok();
        // Some servers leave out the index 0, others every index.
        let any = candidates.iter().any(|one| stated(one).is_some());
        for (candidate, position) in candidates.iter().zip(0_i64..) {
            let index = stated(candidate).unwrap_or(if any { 0 } else { position });
            if self.is_shown(index, candidates.len() > 1, out) {
                self.read_candidate(candidate, out)?;
                shown = true;
            }
        }
        Ok(shown)
    }

    /// Whether the candidate of this index is the shown one; notes that there are others. Some gateways number the
    /// pieces of one answer this way: each comes alone, with a new index.
    pub(in crate::dialect) fn is_shown(
        &mut self,
        index: i64,
        has_others: bool,
        out: &mut Vec<Event>,
    ) -> bool {
        self.several |= has_others;
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
        self.recognized = true;
        let before = out.len();
        let content = candidate
            .get("content")
            .filter(|raw| raw.get().starts_with('{'));
        if let Some(content) = content {
            self.read_content(&Fields::of(content)?, out)?;
        }
        self.note_content(&out[before..]);
        for (key, raw) in candidate.iter() {
            match &*key {
                "content" if content.is_some() => {}
                _ if json::is_void(raw) => {}
                "finishReason" => self.read_finish_reason(json::word(raw).as_deref(), out),
                "error" => self.failed = Some(ProviderError::of_data(raw.get())),
                "finishMessage" => {
                    let reason = candidate.get("finishReason").and_then(json::word);
                    self.explain(reason.as_deref(), json::string(raw), out);
                }
                "safetyRatings" => self.read_ratings(raw, out),
                "groundingMetadata" => {
                    self.note_queries(sources::queries(raw), out);
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

    /// Content after a finish reason cancels it.
    pub(in crate::dialect) fn note_content(&mut self, content: &[Event]) {
        if content.iter().any(Event::is_token) {
            self.continued_after_finish |= self.finished;
            self.finished = false;
        }
        self.has_visible |= content.iter().any(Event::is_visible);
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

    pub(in crate::dialect) fn read_finish_reason(
        &mut self,
        word: Option<&str>,
        out: &mut Vec<Event>,
    ) {
        // The enum's default: there is no reason yet.
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

    /// Reads why the prompt was blocked, if it was: then no candidate comes.
    fn read_feedback(&mut self, raw: Raw<'_>, out: &mut Vec<Event>) -> serde_json::Result<()> {
        self.recognized = true;
        let feedback = Fields::of(raw)?;
        if let Some(ratings) = feedback.get("safetyRatings") {
            self.read_ratings(ratings, out);
        }
        let text = |name| feedback.get(name).and_then(json::string);
        self.finish_blocked(text("blockReason"), text("blockReasonMessage"), out);
        Ok(())
    }
}
