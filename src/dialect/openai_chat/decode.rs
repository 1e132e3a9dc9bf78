//! Reads the frames of one answer: its chunks, its end mark, or a whole completion that was not streamed.

use super::{choice::Choices, chunk::ChunkReader};
use crate::{
    body::{AnswerEnd, FrameOutcome, FrameReader, ResponseHead, error::ProviderError},
    event::{About, Event, Note},
};

/// Reads one answer.
#[derive(Debug, Default)]
pub(super) struct OpenaiChatReader {
    chunks: ChunkReader,
    /// Whether the end mark was read.
    done: bool,
}

impl FrameReader for OpenaiChatReader {
    const CALLS_HAVE_IDS: bool = true;

    fn read(&mut self, name: &str, data: &str, out: &mut Vec<Event>) -> FrameOutcome {
        if self.done {
            Note::emit(About::EndMark, "data after [DONE] was ignored", out);
            FrameOutcome::Read
        } else if name == "error" {
            FrameOutcome::Failed(ProviderError::of_data(data))
        } else {
            self.read_chunk(name, data, out)
        }
    }

    fn foreign_end_mark(&mut self, out: &mut Vec<Event>) {
        if self.done {
            return Note::emit(About::EndMark, "a second [DONE] came and was ignored", out);
        }
        self.chunks.end(out);
        out.push(Event::Done);
        self.done = true;
    }

    fn is_over(&self) -> bool {
        self.done
    }

    fn may_end(&self) -> bool {
        self.chunks.finish.is_some()
    }

    fn end(&mut self, out: &mut Vec<Event>) -> AnswerEnd {
        // A whole message is complete without an end mark.
        if self.done || self.chunks.is_whole() {
            return self.end_plain(out);
        }
        self.chunks.end(out);
        match self.chunks.finish.as_deref() {
            None => {
                let message = "the stream ended without a finish reason and without [DONE]";
                AnswerEnd::BrokeOff(message.into())
            }
            Some("error") => finished_with_error(),
            Some(_) => AnswerEnd::Unmarked(Some("the stream ended without [DONE]")),
        }
    }

    fn end_plain(&mut self, out: &mut Vec<Event>) -> AnswerEnd {
        if !self.done {
            self.chunks.end(out);
        }
        match self.chunks.finish.as_deref() {
            _ if !self.chunks.answered => AnswerEnd::NoAnswer("the answer has no choice".into()),
            Some("error") => finished_with_error(),
            Some(_) => AnswerEnd::Marked,
            None => {
                Note::emit(About::Finish, "the answer has no finish reason", out);
                AnswerEnd::Marked
            }
        }
    }
}

impl OpenaiChatReader {
    /// A reader for a response with this head.
    pub(super) fn new(head: &ResponseHead) -> Self {
        let mut reader = Self::default();
        reader.chunks.choices = Choices::requested(head.choices);
        reader
    }

    fn read_chunk(&mut self, name: &str, data: &str, out: &mut Vec<Event>) -> FrameOutcome {
        match self.chunks.read(data, out) {
            Ok(None) => FrameOutcome::Read,
            Ok(Some(error)) => FrameOutcome::Failed(error),
            Err(_) if matches!(name, "ping" | "heartbeat" | "keepalive" | "keep-alive") => {
                out.push(Event::keep_alive());
                FrameOutcome::Read
            }
            Err(why) if matches!(name, "" | "message") => {
                FrameOutcome::Unreadable(format!("this is not a chat completion ({why})"))
            }
            Err(_) => {
                let (kind, raw) = (format!("event {name}"), data.to_owned());
                out.push(Event::Unknown { kind, raw });
                FrameOutcome::Read
            }
        }
    }
}

fn finished_with_error() -> AnswerEnd {
    AnswerEnd::Failed(ProviderError::of_text("the provider finished with “error”"))
}
