//! Reads the frames of one answer: its chunks, its end mark, a whole completion that was not streamed.

use super::chunk::ChunkReader;
use crate::{
    body::{Ended, Reader, Taken, error::ProviderError},
    event::{About, Event, Note},
};

/// The dialect's end mark.
const DONE: &str = "[DONE]";

/// Reads one answer.
#[derive(Debug, Default)]
pub(super) struct ChatReader {
    chunks: ChunkReader,
    /// Whether the end mark was there.
    done: bool,
}

impl Reader for ChatReader {
    fn read(&mut self, name: &str, data: &str, out: &mut Vec<Event>) -> Taken {
        match (data, self.done) {
            (DONE, true) => Note::tell(About::EndMark, "a second [DONE] came and was ignored", out),
            (DONE, false) => {
                self.chunks.end(out);
                out.push(Event::Done);
                self.done = true;
            }
            (_, true) => Note::tell(About::EndMark, "data after [DONE] was ignored", out),
            _ if name == "error" => return Taken::Failed(ProviderError::of_data(data)),
            _ => return self.read_chunk(name, data, out),
        }
        Taken::Read
    }

    fn end(&mut self, out: &mut Vec<Event>) -> Ended {
        if self.done {
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
    fn read_chunk(&mut self, name: &str, data: &str, out: &mut Vec<Event>) -> Taken {
        match self.chunks.read(data, out) {
            Ok(None) => Taken::Read,
            Ok(Some(error)) => Taken::Failed(error),
            Err(_) if matches!(name, "ping" | "heartbeat" | "keepalive" | "keep-alive") => {
                out.push(Event::KeepAlive);
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
