//! The page that `tokenscope inspect` prints.

use std::io::{self, Write};

use super::stalled_frames;
use crate::{
    capture::{Capture, CapturedBody, DecodedCapture, Headers},
    event::Event,
    history::rfc3339,
    run::{ConnectionKind, Link, OffsetNs, Span, Stamps, ms},
    visible::visible_line,
};

/// Most characters that are shown of a frame, an event or a body; `--json` has all.
const MAX_SHOWN: usize = 2_000;

/// Prints a capture: head, phases, headers, then frame by frame.
pub(super) fn print(out: &mut impl Write, decoded: &DecodedCapture) -> io::Result<()> {
    let capture = &decoded.capture;
    print_head(out, capture)?;
    print_phases(out, &capture.run.stamps)?;
    if let Some(request) = &capture.request {
        let (method, url) = (visible_line(&request.method), visible_line(&request.url));
        writeln!(out, "\nrequest\n  {method} {url}")?;
        print_headers(out, &request.headers)?;
        print_body(out, &request.body)?;
    }
    if let Some(response) = &capture.response {
        writeln!(
            out,
            "\nresponse\n  {} {}",
            visible_line(&response.http_version),
            response.status
        )?;
        print_headers(out, &response.headers)?;
    }
    print_frames(out, decoded)
}

fn print_head(out: &mut impl Write, capture: &Capture) -> io::Result<()> {
    let run = &capture.run;
    let mut words = vec![
        format!("run {}", run.id.0),
        run.target.to_string(),
        run.dialect.to_string(),
    ];
    words.extend((!run.route.is_empty()).then(|| run.route.clone()));
    words.extend(run.simulated.then(|| "simulated".to_owned()));
    words.extend(run.connection.map(|connection| match connection {
        ConnectionKind::Cold => "cold: on a new connection".to_owned(),
        ConnectionKind::Warm => "warm: on a connection that was open".to_owned(),
    }));
    writeln!(out, "{}", visible_line(&words.join(" · ")))?;
    writeln!(out, "started {}", rfc3339(run.stamps.started_unix_ns))?;
    match &capture.fault {
        Some(fault) => writeln!(out, "failed: {}", visible_line(&fault.to_string())),
        None => Ok(()),
    }
}

fn print_phases(out: &mut impl Write, stamps: &Stamps) -> io::Result<()> {
    writeln!(out, "\nphases, in ms since the start")?;
    let spans: [(&str, Option<Span>); 3] = [
        ("DNS", stamps.dns),
        ("TCP", stamps.tcp),
        ("TLS", stamps.tls),
    ];
    for (name, span) in spans {
        if let Some(span) = span {
            let (begin, took) = (ms(span.begin), span.ms());
            writeln!(out, "  {name:<14} {begin:>12.3}  took {took:.3}")?;
        }
    }
    let link = stamps.link.as_ref();
    let points: [(&str, Option<OffsetNs>); 9] = [
        ("request sent", stamps.request_sent),
        ("acknowledged", link.and_then(|link| link.acknowledged)),
        ("headers", stamps.headers),
        ("first byte", stamps.first_byte),
        ("first event", stamps.first_event),
        ("first token", stamps.first_token),
        ("first visible", stamps.first_visible),
        ("last token", stamps.last_token),
        ("closed", stamps.closed),
    ];
    for (name, at) in points {
        if let Some(at) = at {
            writeln!(out, "  {name:<14} {:>12.3}", ms(at))?;
        }
    }
    link.map_or(Ok(()), |link| print_connection(out, link))
}

/// The addresses that were tried, the TLS session, and how the connection was lost.
fn print_connection(out: &mut impl Write, link: &Link) -> io::Result<()> {
    for one in &link.tries {
        let (address, outcome, begin) = (one.address, one.outcome, ms(one.begin));
        let took = one.span().map(|span| format!(" after {:.3}", span.ms()));
        let took = took.unwrap_or_default();
        writeln!(out, "  tried {address} at {begin:.3}: {outcome}{took}")?;
    }
    if let (Some(address), true) = (link.address, link.tries.is_empty()) {
        writeln!(out, "  to {address}")?;
    }
    if let Some(tls) = link.tls {
        let resumed = if tls.resumed {
            "resumed"
        } else {
            "full handshake"
        };
        writeln!(out, "  TLS {}, {resumed}", tls.version)?;
    }
    match link.lost {
        Some(lost) => writeln!(out, "  connection lost: {lost}"),
        None => Ok(()),
    }
}

fn print_headers(out: &mut impl Write, headers: &Headers) -> io::Result<()> {
    for (name, value) in &headers.0 {
        writeln!(out, "  {}: {}", visible_line(name), visible_line(value))?;
    }
    Ok(())
}

fn print_body(out: &mut impl Write, body: &CapturedBody) -> io::Result<()> {
    if !body.bytes.is_empty() {
        writeln!(out, "  {}", shown(&body.bytes))?;
    }
    match body.missing() {
        Some(missing) => writeln!(out, "  ({missing})"),
        None => Ok(()),
    }
}

fn print_frames(out: &mut impl Write, decoded: &DecodedCapture) -> io::Result<()> {
    let stalled = stalled_frames(decoded);
    if let Some(response) = &decoded.capture.response {
        writeln!(
            out,
            "\nbody: {} bytes after content decoding, {} reads, {} frames\n{:>6} {:>12} {:>10}",
            response.body.total,
            response.reads.len(),
            decoded.frames().len(),
            "frame",
            "at ms",
            "gap ms",
        )?;
        for (index, frame) in decoded.frames().iter().enumerate() {
            let gap = decoded.gap(index);
            let gap = gap.map_or_else(String::new, |gap| format!("{:.3}", ms(gap)));
            let is_stall = stalled.binary_search(&index).is_ok();
            let mark = if is_stall { "  stall" } else { "" };
            let (number, at) = (index + 1, ms(frame.at));
            writeln!(out, "{number:>6} {at:>12.3} {gap:>10}{mark}")?;
            writeln!(out, "       {}", shown(decoded.bytes(index)))?;
            print_events(out, decoded.events(index))?;
        }
        print_trailers(out, &response.trailers)?;
        if let Some(missing) = response.body.missing() {
            writeln!(out, "  ({missing})")?;
        }
    }
    if !decoded.end_events().is_empty() {
        let closed = decoded.capture.run.stamps.closed;
        let at = closed.map_or_else(String::new, |at| format!(" {:>12.3}", ms(at)));
        writeln!(out, "   end{at}")?;
        print_events(out, decoded.end_events())?;
    }
    Ok(())
}

fn print_trailers(out: &mut impl Write, trailers: &Headers) -> io::Result<()> {
    if trailers.is_empty() {
        return Ok(());
    }
    writeln!(out, "\ntrailers")?;
    print_headers(out, trailers)
}

fn print_events(out: &mut impl Write, events: &[Event]) -> io::Result<()> {
    for event in events {
        let json = serde_json::to_string(event)?;
        writeln!(out, "       → {}", shown(json.as_bytes()))?;
    }
    Ok(())
}

/// Bytes on one line: as text, or in hexadecimal digits.
fn shown(bytes: &[u8]) -> String {
    let line = if let Ok(text) = str::from_utf8(bytes) {
        visible_line(text.trim_end()).into_owned()
    } else {
        let digits = bytes.iter().take(MAX_SHOWN);
        let digits: Vec<String> = digits.map(|byte| format!("{byte:02x}")).collect();
        digits.join(" ")
    };
    match line.char_indices().nth(MAX_SHOWN) {
        Some((cut, _)) => format!("{}… ({} bytes)", &line[..cut], bytes.len()),
        None => line,
    }
}
