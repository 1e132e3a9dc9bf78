//! `tokenscope decode`: shows what a captured response contains, and what is wrong with it.

mod capture;
mod peeked;
mod utf16;

use std::{
    io::{self, BufWriter, Read, StdoutLock, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use flate2::read::MultiGzDecoder;

use self::capture::CurlOutput;
use super::{
    UsageError, input,
    terminal::{Printer, buffered_stdout},
};
use crate::{
    body::ResponseHead,
    dialect::{DialectId, WireFormat},
    event::{Answer, Event, Fault, FaultClass, Phase},
    record,
};

/// Most bytes that a gzipped body may unpack to: 64 MiB.
const MAX_UNPACKED: u64 = 64 << 20;

/// Arguments of `tokenscope decode`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 a complete answer; 1 the body has a fault or broke off; 2 wrong arguments or unreadable input.

Examples:
  tokenscope decode --dialect openai-chat answer.sse
  curl -isN https://… | tokenscope decode --dialect openai-chat
  tokenscope decode --dialect openai-chat --status 429 error.json")]
pub struct DecodeArgs {
    /// The body's wire protocol.
    #[arg(long, value_name = "DIALECT", value_parser = super::dialect())]
    dialect: DialectId,
    /// Feed the decoder pieces of N bytes; the events must be the same for every N.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    chunk: Option<u64>,
    /// The HTTP status of the response; the default is that of the head before the body, else 200.
    #[arg(long, value_name = "CODE", value_parser = clap::value_parser!(u16).range(100..=999))]
    status: Option<u16>,
    /// The content type of the response; the default is that of the head before the body. The body's first bytes take
    /// precedence.
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,
    /// The body, gzipped or not; or the output of `curl -i` or `curl -v`, with the response's head. `-` or nothing
    /// reads standard input.
    file: Option<PathBuf>,
}

#[expect(clippy::needless_pass_by_value, reason = "like every command")]
pub(super) fn run(args: DecodeArgs) -> anyhow::Result<ExitCode> {
    let path = args.file.as_deref().unwrap_or(Path::new(input::STDIN));
    let name = input::name(path);
    match input::open("decode", path)
        .map_err(Failure::Usage)
        .and_then(|input| decode(&args, input))
    {
        Ok(code) => Ok(code),
        Err(Failure::Usage(error)) => Err(error.into()),
        Err(Failure::Read(error)) => {
            Err(UsageError::new(format!("{name} can't be read: {error}")).into())
        }
        Err(Failure::Write(error)) => Err(error.into()),
    }
}

/// Why decoding stopped.
enum Failure {
    Usage(UsageError),
    Read(io::Error),
    Write(io::Error),
}

fn decode(args: &DecodeArgs, input: Box<dyn Read>) -> Result<ExitCode, Failure> {
    let dialect = args.dialect.dialect();
    let is_text = matches!(dialect.wire, WireFormat::Json);
    let capture = CurlOutput::open(input, is_text).map_err(Failure::Read)?;
    let captured = capture
        .head
        .as_ref()
        .map(capture::CapturedHead::of_response);
    let mut head = captured.unwrap_or(ResponseHead {
        status: 200,
        ..ResponseHead::default()
    });
    head.status = args.status.unwrap_or(head.status);
    head.content_type = args.content_type.clone().or(head.content_type);
    let coding = capture.head.map(|head| head.coding().to_owned());
    let mut body = DecodedInput::new(capture.body, args.chunk, coding.unwrap_or_default());
    let mut decoder = (dialect.decoder)(&head);
    let mut progress = EventPrinter::new();
    let mut events = Vec::new();
    loop {
        match body.next_piece().map_err(Failure::Read)? {
            InputPiece::Bytes(bytes) => decoder.push(bytes, &mut events),
            InputPiece::Broken(message) => {
                decoder.end(&mut events);
                let fault = Fault::new(FaultClass::Protocol, Phase::Stream, message);
                // Before the interruption of the answer that it caused.
                let caused = events.iter().position(|e| matches!(e, Event::Fault(_)));
                events.insert(caused.unwrap_or(events.len()), Event::Fault(fault));
                progress.print(&mut events).map_err(Failure::Write)?;
                break;
            }
            InputPiece::End => {
                decoder.end(&mut events);
                progress.print(&mut events).map_err(Failure::Write)?;
                break;
            }
        }
        progress.print(&mut events).map_err(Failure::Write)?;
    }
    let answer = &progress.answer;
    let line = record::answer_line(dialect.id, head.status, answer);
    let faulted = answer.fault.is_some();
    record::write_line(&mut progress.out, &line)
        .and_then(|()| progress.out.end())
        .map_err(Failure::Write)?;
    Ok(ExitCode::from(u8::from(faulted)))
}

/// Prints events as they come, and folds them.
struct EventPrinter {
    out: Printer<BufWriter<StdoutLock<'static>>>,
    answer: Answer,
}

impl EventPrinter {
    fn new() -> Self {
        Self {
            out: buffered_stdout(),
            answer: Answer::default(),
        }
    }

    fn print(&mut self, events: &mut Vec<Event>) -> io::Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        for event in events.drain(..) {
            self.answer.apply(&event);
            record::write_line(&mut self.out, &event)?;
        }
        self.out.flush()
    }
}

/// The captured bytes, unpacked, in pieces of the requested size.
struct DecodedInput {
    input: Box<dyn Read>,
    gzipped: bool,
    /// The body's content coding, by its header.
    coding: String,
    unpacked: u64,
    piece: Vec<u8>,
    /// Whether pieces must have the full size, or may be the result of one read.
    exact: bool,
    /// An error after bytes that are returned first.
    failed: Option<io::Error>,
}

enum InputPiece<'a> {
    Bytes(&'a [u8]),
    /// The body is compressed and can't be unpacked.
    Broken(String),
    End,
}

impl DecodedInput {
    fn new(mut input: Box<dyn Read>, chunk: Option<u64>, coding: String) -> Self {
        const GZIP_MAGIC: &[u8] = &[0x1F, 0x8B];
        const READ_BYTES: u64 = 64 << 10;
        const MAX_PIECE: u64 = 16 << 20;
        let mut magic = [0; 2];
        let (begun, failed) = filled(&mut input, &mut magic);
        let gzipped = magic == GZIP_MAGIC;
        let input: Box<dyn Read> = Box::new(io::Cursor::new(magic).take(begun as u64).chain(input));
        let size = chunk.unwrap_or(READ_BYTES).min(MAX_PIECE);
        Self {
            input: if gzipped {
                Box::new(MultiGzDecoder::new(input))
            } else {
                input
            },
            gzipped,
            coding,
            unpacked: 0,
            piece: vec![0; usize::try_from(size).unwrap_or(usize::MAX)],
            exact: chunk.is_some(),
            failed,
        }
    }

    fn next_piece(&mut self) -> io::Result<InputPiece<'_>> {
        let (bytes, failed) = match self.failed.take() {
            Some(error) => (0, Some(error)),
            None if self.exact => filled(&mut self.input, &mut self.piece),
            None => match read_some(&mut self.input, &mut self.piece) {
                Ok(bytes) => (bytes, None),
                Err(error) => (0, Some(error)),
            },
        };
        match failed {
            None if bytes == 0 => return Ok(InputPiece::End),
            None => {}
            Some(error) if bytes > 0 => self.failed = Some(error),
            Some(error) if self.gzipped => {
                let after = self.unpacked;
                let message =
                    format!("the gzip data is damaged after {after} unpacked bytes: {error}");
                return Ok(InputPiece::Broken(message));
            }
            Some(error) => return Err(error),
        }
        let is_first = self.unpacked == 0;
        self.unpacked += bytes as u64;
        if is_first && !self.gzipped && is_packed(&self.piece[..bytes], &self.coding) {
            return Ok(InputPiece::Broken(format!(
                "the body is compressed ({}), which is not supported here: capture it with curl --compressed",
                self.coding
            )));
        }
        if self.gzipped && self.unpacked > MAX_UNPACKED {
            let limit = MAX_UNPACKED >> 20;
            return Ok(InputPiece::Broken(format!(
                "the gzip data unpacks to more than {limit} MiB"
            )));
        }
        Ok(InputPiece::Bytes(&self.piece[..bytes]))
    }
}

/// Whether bytes with this content coding are still compressed: if curl unpacked them, they are text.
fn is_packed(bytes: &[u8], coding: &str) -> bool {
    let known = ["br", "deflate", "zstd", "compress"];
    let is_text = |byte: &u8| *byte >= b' ' || byte.is_ascii_whitespace();
    let start = &bytes[..bytes.len().min(64)];
    known.contains(&coding) && !(start.iter().all(is_text) && start.is_ascii())
}

/// Reads until the buffer is full, the input ends or fails.
fn filled(input: &mut impl Read, buffer: &mut [u8]) -> (usize, Option<io::Error>) {
    let mut have = 0;
    while have < buffer.len() {
        match read_some(input, &mut buffer[have..]) {
            Ok(0) => break,
            Ok(more) => have += more,
            Err(error) => return (have, Some(error)),
        }
    }
    (have, None)
}

fn read_some(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match input.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}
