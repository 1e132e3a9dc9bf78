//! A run from its rows.

use std::sync::{Arc, LazyLock};

use rusqlite::{Connection, OptionalExtension, Row};

use crate::{
    dialect::DialectId,
    event::{Answer, Fault, FaultClass, Finish, FinishReason, Phase},
    history::{
        cells::Cells,
        files::{self, ContentsCache},
        large_values,
        overflow::OverflowColumn,
        pieces,
        rows::state_of,
    },
    run::{ConnectionKind, Origin, Run, RunHead, RunId, Stamps},
};

/// What a whole run is read from, in the order of [`run_of_row`]; a `WHERE` or a join may follow.
pub(in crate::history) const SELECT_RUN: &str = "SELECT
    run.id, target.endpoint, target.model, run.state, run.session, run.simulated, run.origin,
    run.attempt, run.dialect, run.route, run_wire.url, run_wire.request, run.connection, run.status,
    run.http_version, run.started_unix_ns, run.scheduled_before, run.dns_begin, run.dns_end,
    run.tcp_begin, run.tcp_end, run.tls_begin, run.tls_end, run.request_sent, run.headers,
    run.first_byte, run.first_event, run.first_token, run.first_visible, run.last_token, run.closed, run.first_token_delay,
    run_wire.reads, run_text.text, run_text.reasoning, run_text.refusal, run_text.calls,
    run.has_usage, run.input_tokens, run.output_tokens, run.reasoning_tokens, run.cached_tokens,
    run.total_tokens, run.finish, run_wire.finish_raw, run.fault_class, run.fault_phase, run.fault_status,
    run_text.fault_code, run_text.fault_message, run.retry_after_ms, run_wire.response_id,
    run_wire.model, run_wire.done, run_wire.keep_alives, run_wire.notes, run_wire.unknown, run_wire.rest, run_wire.link
    FROM run JOIN target ON target.id = run.target
    JOIN run_text ON run_text.id = run.id JOIN run_wire ON run_wire.id = run.id";

/// The same with empty texts, calls and reads, which are not read from the file then: for whoever goes through many runs.
pub(in crate::history) static SELECT_RUN_WITHOUT_TEXTS: LazyLock<String> = LazyLock::new(|| {
    let no_text = "(SELECT '' AS text, NULL AS reasoning, NULL AS refusal, NULL AS calls,
        NULL AS fault_code, NULL AS fault_message) AS run_text";
    SELECT_RUN
        .replace("run_wire.reads", "x''")
        .replace("run_text ON run_text.id = run.id", no_text)
});

/// One whole run with its files; a live run with what was stored so far.
///
/// # Errors
/// If the file can't be read.
pub(in crate::history) fn load(
    file: &Connection,
    cache: &ContentsCache,
    id: RunId,
) -> rusqlite::Result<Option<Run>> {
    let loaded = file
        .prepare_cached(&format!("{SELECT_RUN} WHERE run.id = ?1"))?
        .query_row([id.0], |row| Ok((run_of_row(row)?, is_live(row)?)))
        .optional()?;
    let Some((mut run, live)) = loaded else {
        return Ok(None);
    };
    if files::has_files(&run.head.request) {
        let request = Arc::make_mut(&mut run.head.request);
        files::in_request(request).try_for_each(|m| files::attach(file, cache, m))?;
    }
    if live {
        pieces::fold(file, &mut run)?;
        return Ok(Some(run));
    }
    large_values::load(file, &mut run)?;
    let mut media = run.answer.media.iter_mut();
    media.try_for_each(|m| files::attach(file, cache, m))?;
    Ok(Some(run))
}

fn is_live(row: &Row<'_>) -> rusqlite::Result<bool> {
    Ok(row.get::<_, Option<i64>>("session")?.is_some())
}

/// The run of a row of [`SELECT_RUN`]; its files have their hashes in place of their bytes.
///
/// # Errors
/// If the row is not one that this program wrote.
pub(in crate::history) fn run_of_row(row: &Row<'_>) -> rusqlite::Result<Run> {
    let mut cells = Cells::new(row);
    let id = RunId(cells.next()?);
    let target = cells.target()?;
    let state = cells.must(state_of)?;
    cells.skip(); // session
    let head = RunHead {
        id,
        target,
        simulated: cells.next()?,
        origin: cells.must(Origin::parse)?,
        attempt: cells.next()?,
        dialect: cells.must(DialectId::parse)?,
        route: cells.next()?,
        url: cells.next()?,
        request: Arc::new(cells.json()?.unwrap_or_default()),
    };
    let mut run = Run {
        head,
        state,
        connection: cells.word(ConnectionKind::parse)?,
        status: cells.next()?,
        http_version: cells.next()?,
        stamps: stamps_of(&mut cells)?,
        reads: cells.reads()?.into(),
        answer: answer_of(&mut cells)?,
    };
    run.stamps.link = cells.json()?;
    Ok(run)
}

fn stamps_of(cells: &mut Cells<'_>) -> rusqlite::Result<Stamps> {
    Ok(Stamps {
        started_unix_ns: cells.next()?,
        scheduled_before: cells.count()?.unwrap_or(0),
        dns: cells.span()?,
        tcp: cells.span()?,
        tls: cells.span()?,
        request_sent: cells.count()?,
        headers: cells.count()?,
        first_byte: cells.count()?,
        first_event: cells.count()?,
        first_token: cells.count()?,
        first_visible: cells.count()?,
        last_token: cells.count()?,
        closed: cells.count()?,
        first_token_delay: cells.next()?,
        link: None,
    })
}

fn answer_of(cells: &mut Cells<'_>) -> rusqlite::Result<Answer> {
    let mut answer = Answer {
        text: cells.next()?,
        reasoning: cells.text()?,
        refusal: cells.text()?,
        tool_calls: cells.json()?.unwrap_or_default(),
        usage: cells.usage()?,
        finish: finish_of(cells)?,
        fault: fault_of(cells)?,
        response_id: cells.next()?,
        model: cells.next()?,
        done: cells.next()?,
        keep_alives: cells.count()?.unwrap_or(0),
        notes: cells.json()?.unwrap_or_default(),
        unknown: cells.json()?.unwrap_or_default(),
        ..Answer::default()
    };
    let rest: Option<OverflowColumn<'_>> = cells.json()?;
    rest.unwrap_or_default().restore(&mut answer);
    Ok(answer)
}

fn finish_of(cells: &mut Cells<'_>) -> rusqlite::Result<Option<Finish>> {
    let reason = cells.word(finish_reason)?;
    let raw = cells.text()?;
    Ok(reason.map(|reason| Finish { reason, raw }))
}

fn finish_reason(word: &str) -> Option<FinishReason> {
    use FinishReason::{ContentFilter, Length, Other, Stop, ToolCalls};
    [Stop, Length, ToolCalls, ContentFilter, Other]
        .into_iter()
        .find(|reason| reason.as_str() == word)
}

fn fault_of(cells: &mut Cells<'_>) -> rusqlite::Result<Option<Fault>> {
    let class = cells.word(FaultClass::parse)?;
    let phase = cells.word(Phase::parse)?;
    let status = cells.next()?;
    let code = cells.next()?;
    let message = cells.text()?;
    let retry_after_ms = cells.count()?;
    Ok(class.zip(phase).map(|(class, phase)| Fault {
        class,
        phase,
        status,
        code,
        message,
        // In the overflow column.
        details: None,
        retry_after_ms,
    }))
}
