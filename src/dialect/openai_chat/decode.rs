//! Reads the frames of one answer: its chunks, its end mark, a whole completion that was not streamed.

use super::{choice::Choices, chunk::ChunkReader};
use crate::{
    body::{Ended, Reader, ResponseHead, Taken, error::ProviderError},
    event::{About, Event, Note},
};

/// Reads one answer.
#[derive(Debug, Default)]
pub(super) struct ChatReader {
    chunks: ChunkReader,
    /// Whether the end mark was there.
    done: bool,
}

impl Reader for ChatReader {
    const CALLS_HAVE_IDS: bool = true;

    fn read(&mut self, name: &str, data: &str, out: &mut Vec<Event>) -> Taken {
        if self.done {
            Note::tell(About::EndMark, "data after [DONE] was ignored", out);
            Taken::Read
        } else if name == "error" {
            Taken::Failed(ProviderError::of_data(data))
        } else {
            self.read_chunk(name, data, out)
        }
    }

    fn mark(&mut self, out: &mut Vec<Event>) {
        if self.done {
            return Note::tell(About::EndMark, "a second [DONE] came and was ignored", out);
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

    fn end(&mut self, out: &mut Vec<Event>) -> Ended {
        // A whole message proves by itself that nothing is missing.
        if self.done || self.chunks.is_whole() {
            return self.end_plain(out);
        }
        self.chunks.end(out);
        match self.chunks.finish.as_deref() {
            None => {
                let message = "the stream ended without a finish reason and without [DONE]";
                Ended::BrokeOff(message.into())
            }
            Some("error") => finished_with_error(),
            Some(_) => Ended::Unmarked(Some("the stream ended without [DONE]")),
        }
    }

    fn end_plain(&mut self, out: &mut Vec<Event>) -> Ended {
        if !self.done {
            self.chunks.end(out);
        }
        match self.chunks.finish.as_deref() {
            _ if !self.chunks.answered => Ended::NoAnswer("the answer has no choice".into()),
            Some("error") => finished_with_error(),
            Some(_) => Ended::Marked,
            None => {
                Note::tell(About::Finish, "the answer has no finish reason", out);
                Ended::Marked
            }
        }
    }
}

impl ChatReader {
    /// A reader of the answer that this head begins.
    pub(super) fn new(head: &ResponseHead) -> Self {
        let mut reader = Self::default();
        reader.chunks.choices = Choices::asked(head.choices);
        reader
    }

    fn read_chunk(&mut self, name: &str, data: &str, out: &mut Vec<Event>) -> Taken {
        match self.chunks.read(data, out) {
            Ok(None) => Taken::Read,
            Ok(Some(error)) => Taken::Failed(error),
            Err(_) if matches!(name, "ping" | "heartbeat" | "keepalive" | "keep-alive") => {
                out.push(Event::keep_alive());
                Taken::Read
            }
            Err(why) if matches!(name, "" | "message") => {
                Taken::Unreadable(format!("this is not a chat completion ({why})"))
            }
            Err(_) => {
                let (kind, raw) = (format!("event {name}"), data.to_owned());
                out.push(Event::Unknown { kind, raw });
                Taken::Read
            }
        }
    }
}

fn finished_with_error() -> Ended {
    Ended::Failed(ProviderError::of_text("the provider finished with “error”"))
}
