//! A capture with its frames, in rows to look at and to search: a row for each frame, and one for what only the end made
//! known.
//!
//! In: a [`Capture`]. Out: a [`DecodedCapture`], and the rows that a [`FrameQuery`] matches. Both may take long on a large
//! body: neither is made on the UI thread. Looking at a row takes no longer in a long body than in a short one.

use std::{collections::BTreeSet, ops::Range};

use super::{Capture, WireFrame, WireFrames};
use crate::{
    body::extra_fields::noted_field,
    event::{Event, EventKind, EventKinds},
    run::{OffsetNs, Read},
};

/// From so many names of unknown things on, no more are looked for to be marked.
const MAX_UNKNOWN: usize = 64;

/// A capture with its frames.
#[derive(Debug)]
pub struct DecodedCapture {
    /// The capture.
    pub capture: Capture,
    frames: WireFrames,
    /// The kinds of the events of each row.
    kinds: Vec<EventKinds>,
    /// How many rows have an event of each kind.
    counts: Vec<(EventKind, usize)>,
    unknown: BTreeSet<String>,
}

/// Which rows are looked for: those that meet both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FrameQuery {
    /// What is in their bytes, or in what their events say; in any case of letters. Empty for all.
    pub text: String,
    /// The kinds of which they have an event. Empty for all.
    pub kinds: EventKinds,
}

impl FrameQuery {
    /// Whether it matches every row.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.text.is_empty() && self.kinds.is_empty()
    }
}

impl DecodedCapture {
    /// Decodes a capture.
    #[must_use]
    pub fn of(capture: Capture) -> Self {
        let frames = WireFrames::of(&capture);
        let mut all = Self {
            capture,
            frames,
            kinds: Vec::new(),
            counts: Vec::new(),
            unknown: BTreeSet::new(),
        };
        let rows = all.frames().len() + usize::from(!all.end_events().is_empty());
        all.kinds = (0..rows)
            .map(|row| EventKinds::of(all.events(row)))
            .collect();
        let counts = EventKind::ALL.iter().map(|kind| {
            let with = all.kinds.iter().filter(|kinds| kinds.has(*kind));
            (*kind, with.count())
        });
        all.counts = counts.filter(|(_, count)| *count > 0).collect();
        for row in 0..rows {
            let names: Vec<String> = (all.events(row).iter())
                .filter_map(unknown_name)
                .map(str::to_owned)
                .collect();
            all.unknown.extend(names);
            if all.unknown.len() >= MAX_UNKNOWN {
                break;
            }
        }
        all
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.kinds.len()
    }

    /// The frames.
    #[must_use]
    pub fn frames(&self) -> &[WireFrame] {
        self.frames.all()
    }

    /// The frame of a row; `None` for the row of the end.
    #[must_use]
    pub fn frame(&self, row: usize) -> Option<&WireFrame> {
        self.frames().get(row)
    }

    /// The bytes of a row; none for the row of the end.
    #[must_use]
    pub fn bytes(&self, row: usize) -> &[u8] {
        let response = self.capture.response.as_ref();
        let found = response.zip(self.frame(row));
        found.map_or(&[], |(response, frame)| {
            &response.body.bytes[frame.bytes.clone()]
        })
    }

    /// The events of a row.
    #[must_use]
    pub fn events(&self, row: usize) -> &[Event] {
        match self.frame(row) {
            Some(frame) => self.frames.events(frame),
            None => self.end_events(),
        }
    }

    /// The events that only the end of the body makes known.
    #[must_use]
    pub fn end_events(&self) -> &[Event] {
        self.frames.end_events()
    }

    /// The kinds of a row's events.
    #[must_use]
    pub fn kinds(&self, row: usize) -> EventKinds {
        self.kinds.get(row).copied().unwrap_or_default()
    }

    /// When a row's last byte came, or when the run was over.
    #[must_use]
    pub fn at(&self, row: usize) -> Option<OffsetNs> {
        let frame = self.frame(row).map(|frame| frame.at);
        frame.or(self.capture.run.stamps.closed)
    }

    /// How long after the row before, or after the head.
    #[must_use]
    pub fn gap(&self, row: usize) -> Option<u64> {
        let before = match row.checked_sub(1) {
            Some(before) => self.at(before),
            None => self.capture.run.stamps.headers,
        };
        Some(self.at(row)?.saturating_sub(before?))
    }

    /// The kinds of which there are events, each with the number of rows that have some.
    #[must_use]
    pub fn counts(&self) -> &[(EventKind, usize)] {
        &self.counts
    }

    /// The names of what the decoder does not know, or only keeps as it came: fields, types, events. They are marked
    /// wherever they stand.
    pub fn unknown(&self) -> impl Iterator<Item = &str> {
        self.unknown.iter().map(String::as_str)
    }

    /// How many rows are there once so many reads have come; `over` says whether the end has, too.
    #[must_use]
    pub fn rows_after(&self, reads: usize, over: bool) -> usize {
        if over {
            return self.rows();
        }
        self.frames().partition_point(|frame| frame.read < reads)
    }

    /// The frames whose last byte a read brought.
    #[must_use]
    pub fn frames_of_read(&self, read: usize) -> Range<usize> {
        let frames = self.frames();
        let begin = frames.partition_point(|frame| frame.read < read);
        begin..frames.partition_point(|frame| frame.read <= read)
    }

    /// Which of the capture's reads one of its run is, and its bytes: those of a run that brought no bytes, or that are
    /// beyond what is kept, are not here. `before` are the reads that came before it.
    #[must_use]
    pub fn read(&self, read: &Read, before: &[Read]) -> Option<(usize, &[u8])> {
        let response = self.capture.response.as_ref().filter(|_| read.bytes > 0)?;
        let first = response.reads.partition_point(|kept| kept.at < read.at);
        let same = before.iter().rev().take_while(|other| other.at == read.at);
        let index = first + same.filter(|other| other.bytes > 0).count();
        let (kept, bytes) = response.read(index)?;
        (kept.at == read.at).then(|| (index, &response.body.bytes[bytes]))
    }

    /// The rows that a query matches, in order.
    #[must_use]
    pub fn find(&self, query: &FrameQuery) -> Vec<usize> {
        let text = query.text.to_lowercase();
        let of_kind = |row: &usize| query.kinds.is_empty() || self.kinds(*row).meets(query.kinds);
        let rows = (0..self.rows()).filter(of_kind);
        rows.filter(|row| self.says(*row, &text)).collect()
    }

    fn says(&self, row: usize, text: &str) -> bool {
        if text.is_empty() {
            return true;
        }
        let bytes = self.bytes(row).to_ascii_lowercase();
        let in_bytes = memchr::memmem::find(&bytes, text.as_bytes()).is_some();
        in_bytes
            || self.events(row).iter().any(|event| {
                event.kind().as_str().contains(text) || event.says().to_lowercase().contains(text)
            })
    }
}

/// The name of what an event says that it is not known, or that is only kept as it came: the last part of a path.
fn unknown_name(event: &Event) -> Option<&str> {
    let path = match event {
        Event::Unknown { kind, .. } => kind.as_str(),
        Event::Note(note) => noted_field(note)?,
        _ => return None,
    };
    let name = path.rsplit(['.', ' ', '/']).next();
    name.filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{super::tests as samples, *};
    use crate::dialect::DialectId;

    fn query(text: &str, kinds: &[EventKind]) -> FrameQuery {
        let mut query = FrameQuery {
            text: text.to_owned(),
            ..FrameQuery::default()
        };
        for kind in kinds {
            query.kinds.toggle(*kind);
        }
        query
    }

    #[test]
    fn rows_are_found_by_text_and_by_kind() {
        let decoded = DecodedCapture::of(samples::streamed());
        let all: Vec<usize> = (0..decoded.rows()).collect();
        assert_eq!(decoded.find(&query("", &[])), all);
        assert!(FrameQuery::default().is_all());
        for (text, kinds, found) in [
            ("中", &[][..], vec![2]),
            ("PING", &[], vec![4]),
            ("", &[EventKind::KeepAlive, EventKind::Done], vec![4, 5]),
            ("é", &[EventKind::Done], vec![]),
            ("nowhere", &[], vec![]),
        ] {
            assert_eq!(decoded.find(&query(text, kinds)), found, "{text} {kinds:?}");
        }
        let counts = decoded.counts();
        assert!(counts.contains(&(EventKind::Text, 4)), "{counts:?}");
    }

    #[test]
    fn each_shape_has_rows_that_can_be_looked_at() {
        for (name, capture) in samples::all() {
            let reads = capture
                .response
                .as_ref()
                .map_or(0, |response| response.reads.len());
            let decoded = DecodedCapture::of(capture);
            for row in 0..decoded.rows() {
                let is_end = decoded.frame(row).is_none();
                assert_eq!(is_end, decoded.bytes(row).is_empty(), "{name}");
                assert!(!is_end || !decoded.events(row).is_empty(), "{name}");
            }
            let frames: usize = (0..reads)
                .map(|read| decoded.frames_of_read(read).len())
                .sum();
            assert_eq!(
                frames,
                decoded.frames().len(),
                "{name}: each frame has its read"
            );
            assert_eq!(decoded.rows_after(reads, true), decoded.rows(), "{name}");
            assert_eq!(decoded.rows_after(reads, false), frames, "{name}");
        }
    }

    #[test]
    fn a_read_of_the_run_is_found_with_its_bytes() {
        let decoded = DecodedCapture::of(samples::streamed());
        let response = decoded.capture.response.as_ref().unwrap();
        let reads: Vec<Read> = (response.pieces())
            .flat_map(|(read, bytes)| {
                let bytes = u32::try_from(bytes.len()).unwrap();
                // Trailers alone are a read without bytes.
                [bytes, 0].map(|bytes| Read {
                    at: read.at,
                    bytes,
                    ..Read::default()
                })
            })
            .collect();
        for (place, (_, bytes)) in response.pieces().enumerate() {
            let at = place * 2;
            assert_eq!(decoded.read(&reads[at], &reads[..at]), Some((place, bytes)));
            assert_eq!(decoded.read(&reads[at + 1], &reads[..=at]), None);
        }
        let beyond = Read {
            at: reads[0].at + 1,
            bytes: 4,
            ..Read::default()
        };
        assert_eq!(decoded.read(&beyond, &[]), None);
    }

    #[test]
    fn what_is_unknown_is_named() {
        let body = b"event: odd\ndata: {\"type\":\"odd\",\"x\":1}\n\ndata: {\"type\":\"message_stop\"}\n\n";
        let capture = samples::of(DialectId::Anthropic, 200, "text/event-stream", body, 9);
        let decoded = DecodedCapture::of(capture);
        assert_eq!(decoded.unknown().collect::<Vec<_>>(), ["odd"]);
        assert!(decoded.kinds(0).has(EventKind::Unknown));
        assert_eq!(decoded.find(&query("", &[EventKind::Unknown])), [0]);
    }

    #[test]
    fn a_field_that_is_kept_as_a_note_is_unknown_too() {
        let body = b"event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"a\",\"role\":\"assistant\",\
            \"content\":[],\"model\":\"m\",\"container\":{\"id\":\"c\"}}}\n\n";
        let capture = samples::of(DialectId::Anthropic, 200, "text/event-stream", body, 9);
        let decoded = DecodedCapture::of(capture);
        assert_eq!(decoded.unknown().collect::<Vec<_>>(), ["container"]);
    }
}
