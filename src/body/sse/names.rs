//! The types of a stream's events, read by `eventsource-stream`.
//!
//! In: an event's lines beside its data. Out: its type. The crate is asked only where these lines are others than those of
//! the event before.

use std::{
    convert::Infallible,
    fmt,
    pin::Pin,
    sync::{Arc, mpsc},
    task::{Context, Poll},
};

use eventsource_stream::EventStream;
use futures_util::{FutureExt as _, Stream, StreamExt as _};

use super::{DATA, KEPT_BYTES};

/// The names of a stream's events, parsed by the crate.
pub(super) struct EventNames {
    /// Sends lines to the crate's parser.
    lines: mpsc::Sender<String>,
    events: Box<EventStream<LineStream>>,
    /// The lines of the previous event, and its name.
    last: String,
    name: Arc<str>,
}

impl EventNames {
    /// The name of the event with these lines. Most events of a stream have the same lines, apart from data.
    pub(super) fn of(&mut self, lines: &str) -> Arc<str> {
        if lines != self.last {
            let event = self.read(lines);
            if event.is_none() || lines.len() > KEPT_BYTES {
                // The crate can't recover from a line that it can't parse, and never shrinks its buffer.
                *self = Self::default();
            }
            let name = event.unwrap_or_else(|| "message".to_owned());
            if lines.len() > KEPT_BYTES {
                return name.into();
            }
            self.name = name.into();
            lines.clone_into(&mut self.last);
        }
        Arc::clone(&self.name)
    }

    /// The name of the event; `None` if the crate can't parse it.
    fn read(&mut self, lines: &str) -> Option<String> {
        // The crate does not dispatch an event without data.
        self.lines.send(format!("{lines}data: .\n\n")).ok()?;
        let event = self.events.next().now_or_never()??;
        Some(event.ok()?.event)
    }
}

impl Default for EventNames {
    fn default() -> Self {
        let (lines, given) = mpsc::channel();
        // The first line is an empty comment, so that the crate's own check for a byte order mark never meets the
        // stream's bytes. It can't fail: the other end is here.
        let _ = lines.send(":\n".to_owned());
        Self {
            lines,
            events: Box::new(EventStream::new(LineStream(given))),
            last: DATA.to_owned(),
            name: "message".into(),
        }
    }
}

impl fmt::Debug for EventNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Names").field(&self.name).finish()
    }
}

/// The stream of lines that the crate reads; all of an event's lines are there before it is polled.
struct LineStream(mpsc::Receiver<String>);

impl Stream for LineStream {
    type Item = Result<String, Infallible>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0
            .try_recv()
            .map_or(Poll::Pending, |lines| Poll::Ready(Some(Ok(lines))))
    }
}
