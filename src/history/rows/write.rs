//! A run into its rows.

use std::sync::Arc;

use rusqlite::{Connection, params};
use serde::Serialize;
use url::Url;

use super::{prompt_of, state_word, target_key};
use crate::{
    chat::ChatRequest,
    conformance::CheckedRun,
    history::{
        cells::to_json,
        files::{self, BlobOwner, BlobWriter, ContentsCache},
        findings,
        large_values::{self, PieceRowKind},
        overflow::OverflowColumn,
        reads,
    },
    run::{ConnectionKind, Run, Span},
};

/// Columns of `run` in the order of [`put_row`], without `id` and the generated column `outcome`.
const RUN_COLUMNS: &str =
    "target, state, session, simulated, origin, attempt, dialect, route, connection,
    status, http_version, started_unix_ns, scheduled_before, dns_begin, dns_end, tcp_begin, tcp_end,
    tls_begin, tls_end, request_sent, headers, first_byte, first_event, first_token, first_visible,
    last_token, closed, first_token_delay, has_usage, input_tokens, output_tokens, reasoning_tokens, cached_tokens,
    total_tokens, finish, fault_class, fault_phase, fault_status, retry_after_ms, prompt";

/// Writes a live run, which the process of this session streams, into all its tables, in place of what was there, and
/// adds its files to the cache.
///
/// # Errors
/// If the file can't be written.
pub(in crate::history) fn put_live(
    file: &Connection,
    cache: &ContentsCache,
    run: &Run,
    session: i64,
) -> rusqlite::Result<()> {
    put(file, cache, run, Some(session))?;
    findings::put(file, run, &[])
}

/// The same of a run that is over.
///
/// # Errors
/// If the file can't be written.
pub(in crate::history) fn put_over(
    file: &Connection,
    cache: &ContentsCache,
    run: &CheckedRun,
) -> rusqlite::Result<()> {
    put(file, cache, run, None)?;
    findings::put(file, run, &run.findings())
}

/// The same of a run that was imported: it has no findings.
///
/// # Errors
/// If the file can't be written.
pub(in crate::history) fn put_imported(
    file: &Connection,
    cache: &ContentsCache,
    run: &Run,
) -> rusqlite::Result<()> {
    large_values::store(file, run, false)?;
    put(file, cache, run, None)
}

fn put(
    file: &Connection,
    cache: &ContentsCache,
    run: &Run,
    session: Option<i64>,
) -> rusqlite::Result<()> {
    let target = target_key(file, &run.head.target)?;
    put_row(file, run, session, target)?;
    put_text(file, run, target)?;
    put_wire(file, cache, run)
}

/// Writes only the row in `run`: state and stamps.
///
/// # Errors
/// If the file can't be written.
pub(in crate::history) fn put_status(
    file: &Connection,
    run: &Run,
    session: i64,
) -> rusqlite::Result<()> {
    let target = target_key(file, &run.head.target)?;
    put_row(file, run, Some(session), target)
}

fn put_row(
    file: &Connection,
    run: &Run,
    session: Option<i64>,
    target: i64,
) -> rusqlite::Result<()> {
    let marks = ", ?".repeat(RUN_COLUMNS.split(',').count());
    let sql = format!("INSERT OR REPLACE INTO run (id, {RUN_COLUMNS}) VALUES (?{marks})");
    let (head, stamps, answer) = (&run.head, &run.stamps, &run.answer);
    let (dns, tcp, tls) = (ends(stamps.dns), ends(stamps.tcp), ends(stamps.tls));
    let usage = answer.usage.unwrap_or_default();
    let fault = answer.fault.as_ref();
    file.prepare_cached(&sql)?.execute(params![
        head.id.0,
        target,
        state_word(run),
        session,
        head.simulated,
        head.origin.as_str(),
        head.attempt,
        head.dialect.as_str(),
        head.route,
        run.connection.map(ConnectionKind::as_str),
        run.status,
        run.http_version,
        stamps.started_unix_ns,
        stamps.scheduled_before.cast_signed(),
        dns.0,
        dns.1,
        tcp.0,
        tcp.1,
        tls.0,
        tls.1,
        stamps.request_sent.map(u64::cast_signed),
        stamps.headers.map(u64::cast_signed),
        stamps.first_byte.map(u64::cast_signed),
        stamps.first_event.map(u64::cast_signed),
        stamps.first_token.map(u64::cast_signed),
        stamps.first_visible.map(u64::cast_signed),
        stamps.last_token.map(u64::cast_signed),
        stamps.closed.map(u64::cast_signed),
        stamps.first_token_delay,
        answer.usage.is_some(),
        usage.input.map(u64::cast_signed),
        usage.output.map(u64::cast_signed),
        usage.reasoning.map(u64::cast_signed),
        usage.cached.map(u64::cast_signed),
        usage.total.map(u64::cast_signed),
        answer.finish.as_ref().map(|f| f.reason.as_str()),
        fault.map(|f| f.class.as_str()),
        fault.map(|f| f.phase.as_str()),
        fault.and_then(|f| f.status),
        fault.and_then(|f| f.retry_after_ms.map(u64::cast_signed)),
        one_line(prompt_of(&head.request).unwrap_or_default()),
    ])?;
    Ok(())
}

fn put_text(file: &Connection, run: &Run, target: i64) -> rusqlite::Result<()> {
    let answer = &run.answer;
    let fault = answer.fault.as_ref();
    let calls = (!answer.tool_calls.is_empty())
        .then(|| large_values::json_cell(file, run, PieceRowKind::Calls, &answer.tool_calls))
        .transpose()?;
    file.prepare_cached(
        "INSERT OR REPLACE INTO run_text
            (id, target, prompt, text, refusal, calls, fault_message, fault_code, reasoning)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        run.head.id.0,
        target,
        prompt_of(&run.head.request).unwrap_or_default(),
        large_values::row_part(&answer.text),
        none_if_empty(large_values::row_part(&answer.refusal)),
        calls.flatten(),
        fault.map(|f| &f.message),
        fault.and_then(|f| f.code.as_ref()),
        none_if_empty(large_values::row_part(&answer.reasoning)),
    ])?;
    Ok(())
}

fn put_wire(file: &Connection, cache: &ContentsCache, run: &Run) -> rusqlite::Result<()> {
    let answer = &run.answer;
    let mut blobs = BlobWriter::new(file, cache, BlobOwner::Run, run.head.id.0);
    let request = request_json(&mut blobs, &run.head.request)?;
    let mut rest = OverflowColumn::of(answer);
    rest.media.iter_mut().try_for_each(|m| blobs.detach(m))?;
    blobs.finish()?;
    let rest = rest
        .is_needed()
        .then(|| large_values::json_cell(file, run, PieceRowKind::OverflowColumn, &rest))
        .transpose()?;
    file.prepare_cached(
        "INSERT OR REPLACE INTO run_wire
            (id, url, request, finish_raw, response_id, model, done, keep_alives, notes, unknown, rest, reads, link)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        run.head.id.0,
        without_secrets(&run.head.url),
        request,
        answer.finish.as_ref().map(|f| &f.raw),
        answer.response_id,
        answer.model,
        answer.done,
        answer.keep_alives.cast_signed(),
        json_list(&answer.notes)?,
        json_list(&answer.unknown)?,
        rest.flatten(),
        reads::encode(&run.reads),
        run.stamps.link.as_ref().map(to_json).transpose()?,
    ])?;
    Ok(())
}

fn request_json(
    blobs: &mut BlobWriter<'_>,
    request: &Arc<ChatRequest>,
) -> rusqlite::Result<String> {
    if !files::has_files(request) {
        return to_json(&**request);
    }
    let mut request = ChatRequest::clone(request);
    files::in_request(&mut request).try_for_each(|media| blobs.detach(media))?;
    to_json(&request)
}

/// Most characters of the prompt in a row of the table.
const PROMPT_CHARS: usize = 160;

fn one_line(mut text: String) -> String {
    if let Some((cut, _)) = text.char_indices().nth(PROMPT_CHARS * 4) {
        text.truncate(cut);
    }
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    words.chars().take(PROMPT_CHARS).collect()
}

/// The URL without user name, password, fragment and the values of its query: any of them may be a key.
fn without_secrets(url: &str) -> String {
    let Ok(mut parsed) = Url::parse(url) else {
        return url.split(['?', '#', '@']).next().unwrap_or("").to_owned();
    };
    // Fails only for URLs that can't have them.
    let _ = parsed.set_username("");
    let _ = parsed.set_password(None);
    parsed.set_fragment(None);
    if parsed.query().is_some() {
        let names: Vec<String> = parsed.query_pairs().map(|(n, _)| n.into_owned()).collect();
        let bare = names.iter().map(|name| (name, ""));
        parsed.query_pairs_mut().clear().extend_pairs(bare);
    }
    parsed.into()
}

fn ends(span: Option<Span>) -> (Option<i64>, Option<i64>) {
    (
        span.map(|s| s.begin.cast_signed()),
        span.map(|s| s.end.cast_signed()),
    )
}

fn none_if_empty(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn json_list<T: Serialize>(list: &[T]) -> rusqlite::Result<Option<String>> {
    if list.is_empty() {
        return Ok(None);
    }
    to_json(list).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_kept_without_what_may_be_a_key() {
        for (url, kept) in [
            ("https://a.example/v1/chat", "https://a.example/v1/chat"),
            (
                "https://u:p@a.example/v1?key=k&b=2#f",
                "https://a.example/v1?key=&b=",
            ),
            ("not a url?key=k", "not a url"),
            ("user:pass@host", "user:pass@host"),
        ] {
            let stored = without_secrets(url);
            assert!(!stored.contains("k&") && !stored.ends_with("=k"));
            if url.starts_with("user") {
                assert!(!stored.contains("pass@") || Url::parse(url).is_ok());
            } else {
                assert_eq!(stored, kept);
            }
        }
    }

    #[test]
    fn a_prompt_becomes_one_short_line() {
        assert_eq!(one_line("  a\n\tb  c ".into()), "a b c");
        assert_eq!(one_line("长".repeat(1000)).chars().count(), PROMPT_CHARS);
    }
}
