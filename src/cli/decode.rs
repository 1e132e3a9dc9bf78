//! `tokenscope decode`: what a captured body really says, and what is wrong with it.

use std::{
    fs::File,
    io::{self, BufWriter, Read, StdoutLock, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use flate2::read::MultiGzDecoder;

use super::{
    UsageError,
    terminal::{Printer, buffered_stdout},
};
use crate::{
    dialect::{DialectId, ResponseHead},
    event::{Answer, Event, Fault, FaultClass, Phase},
    record,
};

/// Most bytes that a gzipped body may unpack to: 64 MiB.
const MAX_UNPACKED: u64 = 64 << 20;

/// Arguments of `tokenscope decode`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 a whole answer, 1 the body holds a fault or broke off, 2 wrong arguments or unreadable input.

Examples:
  tokenscope decode --dialect openai-chat answer.sse
  curl -sN https://… | tokenscope decode --dialect openai-chat
  tokenscope decode --dialect openai-chat --status 429 error.json")]
pub struct Args {
    /// The wire protocol that the body is in.
    #[arg(long, value_name = "DIALECT", value_parser = super::dialect())]
    dialect: DialectId,
    /// Feed the decoder pieces of N bytes; the events must be the same for every N.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    chunk: Option<u64>,
    /// The HTTP status that the body came with.
    #[arg(long, value_name = "CODE", default_value_t = 200, value_parser = clap::value_parser!(u16).range(100..=999))]
    status: u16,
    /// The content type that the body came with; the body's first bytes count for more.
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,
    /// The body, gzipped or not; `-` or nothing reads the standard input.
    file: Option<PathBuf>,
}

#[expect(clippy::needless_pass_by_value, reason = "as every command")]
pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let path = args.file.as_deref().filter(|path| *path != Path::new("-"));
    let outcome = opened(path).and_then(|input| decode(&args, input));
    match outcome {
        Ok(code) => Ok(code),
        Err(Failure::Read(error)) => {
            let name = path.map_or("the standard input".into(), |p| p.display().to_string());
            Err(UsageError::new(format!("can't read {name}: {error}")).into())
        }
        Err(Failure::Write(error)) => Err(error.into()),
    }
}

/// Why decoding could not go on.
enum Failure {
    Read(io::Error),
    Write(io::Error),
}

fn opened(path: Option<&Path>) -> Result<Box<dyn Read>, Failure> {
    Ok(match path {
        Some(path) => Box::new(File::open(path).map_err(Failure::Read)?),
        None => Box::new(io::stdin().lock()),
    })
}

fn decode(args: &Args, input: Box<dyn Read>) -> Result<ExitCode, Failure> {
    let dialect = args.dialect.dialect();
    let head = ResponseHead {
        status: args.status,
        content_type: args.content_type.clone(),
        retry_after_ms: None,
    };
    let mut body = Body::new(input, args.chunk);
    let mut decoder = (dialect.decoder)(&head);
    let mut progress = Progress::new();
    let mut events = Vec::new();
    loop {
        match body.next_piece().map_err(Failure::Read)? {
            Piece::Bytes(bytes) => decoder.push(bytes, &mut events),
            Piece::Broken(message) => {
                decoder.end(&mut events);
                let fault = Fault::new(FaultClass::Protocol, Phase::Stream, message);
                // Ahead of the break in the answer that it caused.
                let caused = events.iter().position(|e| matches!(e, Event::Fault(_)));
                events.insert(caused.unwrap_or(events.len()), Event::Fault(fault));
                progress.print(&mut events).map_err(Failure::Write)?;
                break;
            }
            Piece::End => {
                decoder.end(&mut events);
                progress.print(&mut events).map_err(Failure::Write)?;
                break;
            }
        }
        progress.print(&mut events).map_err(Failure::Write)?;
    }
    let answer = &progress.answer;
    let line = record::answer_line(dialect.id, args.status, answer);
    let faulted = answer.fault.is_some();
    record::write_line(&mut progress.out, &line)
        .and_then(|()| progress.out.end())
        .map_err(Failure::Write)?;
    Ok(ExitCode::from(u8::from(faulted)))
}

/// Prints events as they come and folds them.
struct Progress {
    out: Printer<BufWriter<StdoutLock<'static>>>,
    answer: Answer,
}

impl Progress {
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

/// The captured bytes, unpacked, in pieces of the size asked for.
struct Body {
    input: Box<dyn Read>,
    gzipped: bool,
    unpacked: u64,
    piece: Vec<u8>,
    /// Whether a piece must be full, or may be whatever one read gave.
    exact: bool,
    /// An error met behind bytes that had to be given first.
    failed: Option<io::Error>,
}

enum Piece<'a> {
    Bytes(&'a [u8]),
    /// The gzip data is damaged, or unpacks to too much.
    Broken(String),
    End,
}

impl Body {
    fn new(mut input: Box<dyn Read>, chunk: Option<u64>) -> Self {
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
            unpacked: 0,
            piece: vec![0; usize::try_from(size).unwrap_or(usize::MAX)],
            exact: chunk.is_some(),
            failed,
        }
    }

    fn next_piece(&mut self) -> io::Result<Piece<'_>> {
        let (bytes, failed) = match self.failed.take() {
            Some(error) => (0, Some(error)),
            None if self.exact => filled(&mut self.input, &mut self.piece),
            None => match read_some(&mut self.input, &mut self.piece) {
                Ok(bytes) => (bytes, None),
                Err(error) => (0, Some(error)),
            },
        };
        match failed {
            None if bytes == 0 => return Ok(Piece::End),
            None => {}
            Some(error) if bytes > 0 => self.failed = Some(error),
            Some(error) if self.gzipped => {
                let after = self.unpacked;
                let message =
                    format!("the gzip data is damaged after {after} unpacked bytes: {error}");
                return Ok(Piece::Broken(message));
            }
            Some(error) => return Err(error),
        }
        self.unpacked += bytes as u64;
        if self.gzipped && self.unpacked > MAX_UNPACKED {
            let limit = MAX_UNPACKED >> 20;
            return Ok(Piece::Broken(format!(
                "the gzip data unpacks to more than {limit} MiB"
            )));
        }
        Ok(Piece::Bytes(&self.piece[..bytes]))
    }
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
