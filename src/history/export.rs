//! Exports runs as a CSV or JSON file, one at a time, so that memory does not grow with their number.
//!
//! The gaps between probes are exported alike.
//!
//! The file is written under a temporary name in the same folder and renamed when it is complete.
//!
//! CSV is RFC 4180: a header, CRLF, quotes where needed. A text that a spreadsheet would run as a
//! formula (it begins with `=`, `+`, `-`, `@`, tab or carriage return) is given a leading apostrophe,
//! as OWASP advises (<https://owasp.org/www-community/attacks/CSV_Injection>): text from a model must
//! not act on the machine of whoever opens the export. JSON has every text as it is.

mod gaps;

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use rusqlite::Connection;
use serde_json::{Map, Value};

pub(super) use self::gaps::export_gaps;
use super::{
    HistoryError, HistoryShared, RunQuery, files, large_values,
    query::{Selection, Snapshot},
    reader::{HistoryReader, IsCancelled},
    rows, search,
};
use crate::{
    chat::Media,
    conformance::CheckedRun,
    event::Usage,
    measure,
    price::PriceTable,
    private, record,
    run::{self, Run, RunState},
};

/// A file format of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// One row a run, a header line, RFC 4180.
    Csv,
    /// An array of run objects as `tokenscope chat --json` prints them.
    Json,
}

/// Why an export failed.
#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error(transparent)]
    Read(#[from] rusqlite::Error),
    #[error(transparent)]
    Write(#[from] io::Error),
}

/// Rows between two reports of progress.
const PROGRESS_ROWS: usize = 500;

/// Exports on the calling thread, and returns the number of runs.
///
/// # Errors
/// If the history can't be read or the file not be written; no part of it is left then.
pub(super) fn export(
    shared: &HistoryShared,
    query: &RunQuery,
    (format, prices): (ExportFormat, &PriceTable),
    to: &Path,
    progress: &dyn Fn(usize, usize),
    is_cancelled: IsCancelled<'_>,
) -> Result<usize, HistoryError> {
    let mut reader =
        HistoryReader::open(&shared.read_uri()?).map_err(|error| shared.read_error(&error))?;
    write_whole(shared, to, |out| {
        write_runs(
            &mut reader,
            query,
            (format, prices),
            out,
            progress,
            is_cancelled,
        )
    })
}

/// Writes a whole file, which takes its place once it is complete, and returns the number of its rows.
fn write_whole(
    shared: &HistoryShared,
    to: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<usize, ExportError>,
) -> Result<usize, HistoryError> {
    let cant_write = |error: &io::Error| {
        HistoryError(format!(
            "{} could not be written ({error}): choose another place",
            to.display()
        ))
    };
    let (part, file) = part_beside(to).map_err(|error| cant_write(&error))?;
    let mut out = BufWriter::with_capacity(1 << 16, file);
    let written = write(&mut out).and_then(|count| {
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        fs::rename(&part, to)?;
        Ok(count)
    });
    written.map_err(|error| {
        if let Err(error) = fs::remove_file(&part) {
            tracing::warn!("{} is left over: {error}", part.display());
        }
        match error {
            ExportError::Read(error) => shared.read_error(&error),
            ExportError::Write(error) => cant_write(&error),
        }
    })
}

/// A new temporary file in the folder of the export.
fn part_beside(to: &Path) -> io::Result<(PathBuf, File)> {
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    for n in 0_u32.. {
        let part = to.with_file_name(format!(".{name}.{}-{n}.part", std::process::id()));
        match private::create_new(&part) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|file| (part, file)),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

fn write_runs(
    reader: &mut HistoryReader,
    query: &RunQuery,
    (format, prices): (ExportFormat, &PriceTable),
    out: &mut impl Write,
    progress: &dyn Fn(usize, usize),
    is_cancelled: IsCancelled<'_>,
) -> Result<usize, ExportError> {
    let HistoryReader {
        connection: file,
        cache,
    } = reader;
    let _snapshot = Snapshot::begin(file)?;
    let selection = Selection::of(file, cache, query, is_cancelled)?;
    let total = selection.total(file, cache)?;
    let mut ids = file.prepare(&selection.ids(query.sort))?;
    let mut select = file.prepare(&format!("{} WHERE run.id = ?1", rows::SELECT_RUN))?;
    let mut ids = ids.query([])?;
    let mut count = 0;
    begin(format, out)?;
    while let Some(id) = ids.next()? {
        let mut run = select.query_row([id.get::<_, i64>(0)?], rows::run_of_row)?;
        large_values::load(file, &mut run)?;
        match format {
            ExportFormat::Csv => csv_row(&run, prices, out)?,
            ExportFormat::Json => json_item(&run_object(file, run, prices)?, count == 0, out)?,
        }
        count += 1;
        if count % PROGRESS_ROWS == 0 {
            progress(count, total);
            if is_cancelled() {
                return Err(search::cancelled().into());
            }
        }
    }
    end(format, count == 0, out)?;
    progress(count, total.max(count));
    Ok(count)
}

fn begin(format: ExportFormat, out: &mut impl Write) -> io::Result<()> {
    match format {
        ExportFormat::Csv => {
            let before = COLUMNS.iter().map(|(name, _)| *name);
            let figures = measure::figures().map(|figure| figure.key);
            let after = COLUMNS_AFTER.iter().map(|(name, _)| *name);
            let names = before.chain(figures).chain(after);
            csv_line(names.map(|name| CsvCell::Text(name.to_owned())), out)
        }
        ExportFormat::Json => out.write_all(b"["),
    }
}

fn end(format: ExportFormat, empty: bool, out: &mut impl Write) -> io::Result<()> {
    match (format, empty) {
        (ExportFormat::Csv, _) => Ok(()),
        (ExportFormat::Json, true) => out.write_all(b"]\n"),
        (ExportFormat::Json, false) => out.write_all(b"\n]\n"),
    }
}

fn json_item(run: &Value, first: bool, out: &mut impl Write) -> Result<(), ExportError> {
    out.write_all(if first { b"\n" } else { b",\n" })?;
    serde_json::to_writer(&mut *out, run).map_err(io::Error::from)?;
    Ok(())
}

/// A run as the last line of `tokenscope chat --json`, with its id and its request. A file's bytes are replaced by
/// their number and SHA-256, so that the same file can be recognised in several runs.
fn run_object(file: &Connection, mut run: Run, prices: &PriceTable) -> rusqlite::Result<Value> {
    let request = std::sync::Arc::make_mut(&mut run.head.request);
    let asked = file_fields(file, files::in_request(request))?;
    let answered = file_fields(file, run.answer.media.iter_mut())?;
    let run = CheckedRun::from(run);
    let mut line = serde_json::to_value(record::run_line(&run, prices)).unwrap_or_default();
    let mut request = serde_json::to_value(&run.head.request).unwrap_or(Value::Null);
    let messages = request["messages"].as_array_mut().into_iter().flatten();
    let parts = messages.filter_map(|message| message["parts"].as_array_mut());
    let parts = parts.flatten().filter(|part| part["type"] == "media");
    let media = line["media"].as_array_mut().into_iter().flatten();
    for (file, file_fields) in parts.chain(media).zip(asked.into_iter().chain(answered)) {
        if let Some(fields) = file.as_object_mut() {
            fields.remove("data");
            fields.extend(file_fields);
        }
    }
    line["id"] = run.head.id.0.into();
    line["request"] = request;
    Ok(line)
}

/// Size and hash of files that have their hash in place of their bytes; empty for files without bytes.
fn file_fields<'a>(
    file: &Connection,
    media: impl Iterator<Item = &'a mut Media>,
) -> rusqlite::Result<Vec<Map<String, Value>>> {
    let file_fields = |media: &mut Media| {
        let mut fields = Map::new();
        if let Some(bytes) = files::size(file, &media.data)? {
            let hash = media.data.iter().map(|byte| format!("{byte:02x}"));
            fields.insert("bytes".to_owned(), bytes.into());
            fields.insert("sha256".to_owned(), hash.collect::<String>().into());
        }
        Ok(fields)
    };
    media.map(file_fields).collect()
}

/// One cell of a CSV row.
enum CsvCell {
    Blank,
    /// Untrusted text: guarded against formulas.
    Text(String),
    Number(String),
}

impl CsvCell {
    fn number(number: Option<impl ToString>) -> Self {
        number.map_or(Self::Blank, |n| Self::Number(n.to_string()))
    }

    fn text(text: Option<impl Into<String>>) -> Self {
        text.map_or(Self::Blank, |text| Self::Text(text.into()))
    }
}

/// A column: its name, and how its cell is made from a run.
type CsvColumn = (&'static str, fn(&Run) -> CsvCell);

/// The columns before the figures.
static COLUMNS: &[CsvColumn] = &[
    ("id", |run| CsvCell::number(Some(run.head.id.0))),
    ("started", |run| {
        CsvCell::text(Some(rfc3339(run.stamps.started_unix_ns)))
    }),
    ("endpoint", |run| {
        CsvCell::text(Some(&run.head.target.endpoint))
    }),
    ("model", |run| CsvCell::text(Some(&run.head.target.model))),
    ("dialect", |run| {
        CsvCell::text(Some(run.head.dialect.as_str()))
    }),
    ("route", |run| CsvCell::text(Some(&run.head.route))),
    ("origin", |run| {
        CsvCell::text(Some(run.head.origin.as_str()))
    }),
    ("simulated", |run| CsvCell::number(Some(run.head.simulated))),
    ("outcome", |run| CsvCell::text(outcome(run))),
    ("fault_class", |run| {
        CsvCell::text(run.answer.fault.as_ref().map(|f| f.class.as_str()))
    }),
    ("fault_phase", |run| {
        CsvCell::text(run.answer.fault.as_ref().map(|f| f.phase.as_str()))
    }),
    ("status", |run| {
        let fault = run.answer.fault.as_ref();
        CsvCell::number(run.status.or(fault.and_then(|f| f.status)))
    }),
    ("message", |run| {
        CsvCell::text(run.answer.fault.as_ref().map(|f| &f.message))
    }),
    ("connection", |run| {
        CsvCell::text(run.connection.map(run::ConnectionKind::as_str))
    }),
];

/// The columns after the figures.
static COLUMNS_AFTER: &[CsvColumn] = &[
    ("input_tokens", |run| usage(run, |u| u.input)),
    ("output_tokens", |run| usage(run, |u| u.output)),
    ("reasoning_tokens", |run| usage(run, |u| u.reasoning)),
    ("cached_tokens", |run| usage(run, |u| u.cached)),
    ("finish", |run| {
        CsvCell::text(run.answer.finish.as_ref().map(|f| f.reason.as_str()))
    }),
    ("prompt", |run| {
        CsvCell::text(rows::prompt_of(&run.head.request))
    }),
    ("text", |run| CsvCell::text(Some(&run.answer.text))),
];

fn outcome(run: &Run) -> Option<&'static str> {
    match run.state {
        RunState::Ok => Some("ok"),
        RunState::Fault if run.is_cancelled() => Some("cancelled"),
        RunState::Fault if run.is_suspended() => Some("suspended"),
        RunState::Fault => Some("fault"),
        _ => None,
    }
}

fn usage(run: &Run, field: fn(Usage) -> Option<u64>) -> CsvCell {
    CsvCell::number(run.answer.usage.and_then(field))
}

fn csv_row(run: &Run, prices: &PriceTable, out: &mut impl Write) -> io::Result<()> {
    let before = COLUMNS.iter().map(|(_, cell)| cell(run));
    let figures = measure::figures().map(|f| CsvCell::number((f.value)(run, prices)));
    let after = COLUMNS_AFTER.iter().map(|(_, cell)| cell(run));
    csv_line(before.chain(figures).chain(after), out)
}

fn csv_line(cells: impl Iterator<Item = CsvCell>, out: &mut impl Write) -> io::Result<()> {
    for (n, cell) in cells.enumerate() {
        if n > 0 {
            out.write_all(b",")?;
        }
        match cell {
            CsvCell::Blank => {}
            CsvCell::Number(number) => out.write_all(number.as_bytes())?,
            CsvCell::Text(text) => csv_text(&text, out)?,
        }
    }
    out.write_all(b"\r\n")
}

fn csv_text(text: &str, out: &mut impl Write) -> io::Result<()> {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let guard = if formula { "'" } else { "" };
    if text.contains(['"', ',', '\r', '\n']) {
        write!(out, "\"{guard}{}\"", text.replace('"', "\"\""))
    } else {
        write!(out, "{guard}{text}")
    }
}

/// A time as `2026-03-01T12:00:00.123456789Z`, all nine digits, so that texts sort as times do.
#[must_use]
pub fn rfc3339(unix_ns: i64) -> String {
    match jiff::Timestamp::from_nanosecond(unix_ns.into()) {
        Ok(time) => format!("{time:.9}"),
        // No 64 bits of nanoseconds are out of its range.
        Err(_) => unix_ns.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn csv(text: &str) -> String {
        let mut out = Vec::new();
        csv_text(text, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn texts_are_quoted_and_formulas_disarmed() {
        for (text, cell) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "'=1+1"),
            ("@x,y", "\"'@x,y\""),
            ("-5", "'-5"),
            ("", ""),
        ] {
            assert_eq!(csv(text), cell);
        }
    }

    #[test]
    fn times_are_utc_with_nanoseconds() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(
            rfc3339(951_782_400_000_000_001),
            "2000-02-29T00:00:00.000000001Z"
        );
        assert_eq!(rfc3339(-1), "1969-12-31T23:59:59.999999999Z");
        assert_eq!(rfc3339(i64::MAX), "2262-04-11T23:47:16.854775807Z");
    }
}
