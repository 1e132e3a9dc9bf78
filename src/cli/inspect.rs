//! `tokenscope inspect`: shows what went over the wire of a run, frame by frame, beside what was made of it.

mod page;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use serde::Serialize;
use serde_json::json;

use super::{
    UsageError, captured, note,
    terminal::{buffered_stdout, stdout},
};
use crate::{
    capture::{CaptureFormat, CapturedBody, DecodedCapture, RunReplay, tscap},
    event::Event,
    measure::{arrivals::arrivals, burst::stalls},
    private, record,
    run::{self, Reads, RunUpdate},
};

/// Arguments of `tokenscope inspect`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct InspectArgs {
    /// A run's id, as `chat --json` and `export` print it; or `last`; or a .tscap or .har file, - for standard input.
    #[arg(value_name = "RUN|FILE")]
    given: String,

    /// Print one line of JSON for the head, for each frame and for the end.
    #[arg(long)]
    json: bool,

    /// Save the capture to this file instead: as HAR 1.2 if its name ends in .har, as lines of JSON if in .tscap.
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    save: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Exit codes: 0 success; 1 there is no such capture, or the file can't be written; 2 wrong arguments or input.

Keys and other credentials are covered in all that is shown and saved.

Examples:
  tokenscope inspect last
  tokenscope inspect 1883214567890123456 --save run.har
  tokenscope inspect run.tscap --json | jq 'select(.is_stall)'";

pub(super) fn run(args: &InspectArgs) -> anyhow::Result<ExitCode> {
    let format = args.save.as_deref().map(format_of).transpose()?;
    let capture = captured::find(&args.given)?;
    match (&args.save, format) {
        (Some(file), Some(format)) => {
            private::write_out(file, format.write(&capture).as_bytes())
                .with_context(|| format!("{} can't be written", file.display()))?;
            note(&format!("written to {}", file.display()));
        }
        _ if args.json => print_lines(&DecodedCapture::of(capture))?,
        _ => {
            let mut out = stdout();
            page::print(&mut out, &DecodedCapture::of(capture))?;
            out.end()?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn format_of(file: &Path) -> Result<CaptureFormat, UsageError> {
    CaptureFormat::of_name(file)
        .ok_or_else(|| UsageError::new("the name of the file ends neither in .har nor in .tscap"))
}

/// The places of the frames that ended a stall, in order: each brought the first tokens after it.
fn stalled_frames(decoded: &DecodedCapture) -> Vec<usize> {
    let reads: Reads = RunReplay::new(&decoded.capture)
        .filter_map(|(_, update)| match update {
            RunUpdate::Read { read, .. } => Some(read),
            _ => None,
        })
        .collect();
    let stalls = stalls(&arrivals(&reads));
    let brings_tokens = |place: &usize| decoded.events(*place).iter().any(Event::is_token);
    let frames = decoded.frames();
    let places = stalls.iter().filter_map(|stall| {
        let from = frames.partition_point(|frame| frame.at < stall.end);
        (from..frames.len()).find(brings_tokens)
    });
    places.collect()
}

fn print_lines(decoded: &DecodedCapture) -> anyhow::Result<()> {
    let mut out = buffered_stdout();
    let capture = &decoded.capture;
    let head = InspectedHead {
        kind: "head",
        head: tscap::first_line(capture),
    };
    record::write_line(&mut out, &head)?;
    let stalled = stalled_frames(decoded);
    for (index, frame) in decoded.frames().iter().enumerate() {
        record::write_line(
            &mut out,
            &FrameLine {
                kind: "frame",
                at_ms: run::ms(frame.at),
                gap_ms: decoded.gap(index).map(run::ms),
                is_stall: stalled.binary_search(&index).is_ok(),
                read: frame.read,
                first_byte: frame.bytes.start,
                raw: tscap::TextOrBase64::of(decoded.bytes(index)),
                events: decoded.events(index),
            },
        )?;
    }
    let body = capture.response.as_ref().map(|response| &response.body);
    let end = json!({
        "type": "end",
        "at_ms": capture.run.stamps.closed.map(run::ms),
        "events": decoded.end_events(),
        "fault": capture.fault,
        "missing": body.and_then(CapturedBody::missing),
    });
    record::write_line(&mut out, &end)?;
    out.end()?;
    Ok(())
}

#[derive(Serialize)]
struct InspectedHead<T> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    head: T,
}

#[derive(Serialize)]
struct FrameLine<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    at_ms: f64,
    gap_ms: Option<f64>,
    is_stall: bool,
    read: usize,
    first_byte: usize,
    #[serde(flatten)]
    raw: tscap::TextOrBase64,
    events: &'a [Event],
}
