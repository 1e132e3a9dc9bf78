//! Collects the wire of a live run, within a limit of memory.

use std::sync::Arc;

use http::HeaderMap;

use super::{
    Capture, CapturedBody, CapturedRead, CapturedRequest, CapturedResponse, CapturedRun, covered,
};
use crate::{
    event::Answer,
    exchange::SentRequest,
    run::{Run, WireHead, WirePart, WireRead},
    transport::Upload,
};

/// Most bytes that are kept of a body, of a request's as of a response's.
pub const MAX_BODY_BYTES: usize = 4 << 20;

/// What went over the wire so far, its secrets among it: [`into_capture`](Self::into_capture) covers them.
#[derive(Debug, Default)]
pub struct WireLog {
    request: Option<Arc<SentRequest>>,
    head: Option<Arc<WireHead>>,
    reads: ReadLog,
    trailers: Option<Arc<HeaderMap>>,
    bytes_held: usize,
    /// Whether nothing more of the body is kept.
    is_full: bool,
    /// How many bytes of the body came, kept or not.
    body_total: u64,
}

/// The body so far, copied out of the reads: a slice of the connection's buffer would keep the whole buffer, many times
/// as large as one token, in memory.
#[derive(Default)]
struct ReadLog {
    body: Vec<u8>,
    reads: Vec<CapturedRead>,
}

impl std::fmt::Debug for ReadLog {
    // What a server sends may repeat a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} reads", self.reads.len())
    }
}

impl ReadLog {
    fn push(&mut self, read: &WireRead) {
        self.body.extend_from_slice(&read.bytes);
        self.reads.push(CapturedRead {
            at: read.at,
            delay: read.delay,
            is_at_most: read.is_at_most,
            end: self.body.len(),
        });
    }
}

impl WireLog {
    /// Adds the next part.
    pub fn add(&mut self, part: &WirePart) {
        if let Some(request) = &part.request {
            self.request = Some(Arc::clone(request));
        }
        if let Some(head) = &part.head {
            self.head = Some(Arc::clone(head));
        }
        if let Some(trailers) = &part.trailers {
            self.trailers = Some(Arc::clone(trailers));
        }
        for read in &part.reads {
            self.body_total += read.bytes.len() as u64;
            // A read takes memory beside its bytes: many small ones count for what they take.
            self.is_full |= self.bytes_held + read.bytes_held() > MAX_BODY_BYTES;
            if !self.is_full {
                self.bytes_held += read.bytes_held();
                self.reads.push(read);
            }
        }
    }

    /// Keeps nothing more of the body.
    pub fn close(&mut self) {
        self.is_full = true;
    }

    /// About how many bytes it holds, the request's aside, which are shared with the run's.
    #[must_use]
    pub fn bytes_held(&self) -> usize {
        self.bytes_held
    }

    /// Whether nothing was sent, and nothing came.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.request.is_none() && self.head.is_none()
    }

    /// The capture of a run that is over: every secret is covered. This takes milliseconds for a long answer.
    #[must_use]
    pub fn into_capture(mut self, run: &Run) -> Capture {
        let ReadLog { body: bytes, reads } = std::mem::take(&mut self.reads);
        let mask = self.request.as_ref().map(|sent| sent.mask().clone());
        let mask = mask.unwrap_or_default();
        let mut facts = CapturedRun::of(run);
        if let Some(dialect) = self.request.as_ref().and_then(|sent| sent.dialect) {
            facts.dialect = dialect;
        }
        let request = self.request.as_deref();
        let http_version = self.head.as_ref().map(|head| head.http_version.as_str());
        let captured = request.map(|sent| CapturedRequest {
            method: sent.method.to_string(),
            url: covered::url(&mask, &sent.url),
            headers: covered::sent_headers(&mask, sent, http_version),
            body: covered::body(&mask, first_bytes(&sent.body), sent.body.len()),
        });
        let body = covered::body(&mask, bytes, self.body_total);
        let trailers = self.trailers.as_deref();
        let response = self.head.as_ref().map(|head| CapturedResponse {
            status: head.status,
            http_version: head.http_version.clone(),
            headers: covered::headers(&mask, &head.headers),
            reads: if body.is_withheld { Vec::new() } else { reads },
            body,
            trailers: trailers
                .map(|trailers| covered::headers(&mask, trailers))
                .unwrap_or_default(),
        });
        let mut capture = Capture {
            run: facts,
            request: captured,
            response,
            fault: run.answer.fault.clone(),
        };
        if !mask.is_empty() && is_masked(&run.answer) && covered::spells_a_secret(&mask, &capture) {
            capture.withhold_body();
        }
        capture
    }
}

impl Capture {
    fn withhold_body(&mut self) {
        if let Some(response) = &mut self.response {
            response.reads.clear();
            response.body = CapturedBody {
                total: response.body.total,
                is_withheld: true,
                ..CapturedBody::default()
            };
        }
    }
}

fn first_bytes(body: &Upload) -> Vec<u8> {
    let mut rest = body.clone();
    let mut bytes = Vec::new();
    while bytes.len() < MAX_BODY_BYTES
        && let Some(piece) = rest.take(64 << 10)
    {
        bytes.extend_from_slice(&piece);
    }
    bytes.truncate(MAX_BODY_BYTES);
    bytes
}

/// Whether something of the answer was covered, as its decoder told it.
fn is_masked(answer: &Answer) -> bool {
    let mut finder = CoverFinder(false);
    // Writing to it can't fail.
    let _ = serde_json::to_writer(&mut finder, answer);
    finder.0
}

/// Looks for the mark of what was covered in JSON that is written to it, which is not kept: an answer may be large. A mark
/// needs no escape, so that it comes in one piece.
struct CoverFinder(bool);

impl std::io::Write for CoverFinder {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 |= memchr::memmem::find(bytes, crate::mask::COVER.as_bytes()).is_some();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{super::tests as samples, *};
    use crate::{mask::Mask, run::Run};

    fn log(head: bool, reads: &[&[u8]]) -> WireLog {
        let mut log = WireLog::default();
        let reads = reads.iter().enumerate().map(|(at, bytes)| WireRead {
            at: at as u64,
            delay: None,
            is_at_most: false,
            bytes: Bytes::copy_from_slice(bytes),
        });
        log.add(&WirePart {
            head: head.then(|| {
                Arc::new(WireHead {
                    status: 200,
                    http_version: "HTTP/1.1".into(),
                    headers: HeaderMap::new(),
                })
            }),
            reads: reads.collect(),
            ..WirePart::default()
        });
        log
    }

    fn run() -> Run {
        Run::new(samples::streamed().run.head(""))
    }

    #[test]
    fn a_body_is_kept_up_to_its_limit_and_says_so() {
        let piece = vec![b'x'; 3 << 19];
        let log = log(true, &[&piece, &piece, &piece, b"more"]);
        assert!(log.bytes_held() <= MAX_BODY_BYTES);
        let response = log.into_capture(&run()).response.unwrap();
        assert_eq!(
            (response.body.bytes.len(), response.reads.len()),
            (3 << 20, 2)
        );
        let missing = response.body.missing();
        assert_eq!(
            missing.as_deref(),
            Some("truncated after 3145728 bytes of 4718596")
        );
    }

    #[test]
    fn many_small_reads_are_bounded_too() {
        let mut log = log(true, &[]);
        let read = WireRead {
            at: 1,
            delay: None,
            is_at_most: false,
            bytes: Bytes::from_static(b"x"),
        };
        let part = WirePart {
            reads: vec![read; 100_000],
            ..WirePart::default()
        };
        (0..10).for_each(|_| log.add(&part));
        assert!(log.bytes_held() <= MAX_BODY_BYTES);
        assert_eq!(log.body_total, 1_000_000);
    }

    #[test]
    fn what_spells_a_secret_by_escapes_is_withheld() {
        let mask = Mask::of_secrets(["sk-hunter2-long"]);
        let body = covered::body(&mask, br#"{"k":"\u0073k-hunter2-long"}"#.to_vec(), 27);
        assert!(body.is_withheld && body.bytes.is_empty() && body.missing().is_some());
        let body = covered::body(&mask, b"sk-hunter2-long!".to_vec(), 16);
        assert_eq!(&body.bytes[..], b"***************!");
    }

    #[test]
    fn what_spells_a_secret_in_pieces_is_told_by_its_events() {
        let mask = Mask::of_secrets(["He\u{301}中sk-hunter2"]);
        let chunk = |text: &str| {
            format!(
                "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n"
            )
        };
        let mut capture = samples::streamed();
        assert!(!covered::spells_a_secret(&mask, &capture));
        let spelled = ["He\u{301}", "中sk-", "hun", "ter2"].map(chunk).concat();
        if let Some(response) = &mut capture.response {
            response.body = CapturedBody::whole(spelled.into_bytes());
            response.reads.truncate(1);
            response.reads[0].end = response.body.bytes.len();
        }
        assert!(covered::spells_a_secret(&mask, &capture));
    }
}
