//! Exports runs as a CSV, JSON or Parquet file, one at a time, so that memory does not grow with their number.
//!
//! The gaps between probes are exported alike.
//!
//! The file is written under a temporary name in the same folder and renamed when it is complete.

mod benches;
mod columns;
mod csv;
mod file;
mod gaps;
mod parquet;

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use rusqlite::Connection;
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::sync::oneshot;

pub(super) use self::gaps::export_gaps;
use self::{
    columns::{ExportCell, columns},
    file::{ExportFile, ExportRow},
};
use super::{
    History, HistoryError, HistoryShared, RunQuery, files, gone, large_values,
    query::{Selection, Snapshot},
    reader::{self, HistoryReader, IsCancelled},
    rows,
};
use crate::{chat::Media, conformance::CheckedRun, price::PriceTable, private, record, run::Run};

/// A file format of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// One row a run, a header line, RFC 4180.
    Csv,
    /// An array of run objects as `tokenscope chat --json` prints them.
    Json,
    /// The rows of the CSV file with types: Apache Parquet.
    Parquet,
}

/// Why an export failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExportError {
    #[error(transparent)]
    Read(#[from] rusqlite::Error),
    #[error(transparent)]
    Write(#[from] io::Error),
    #[error(transparent)]
    Parquet(#[from] ::parquet::errors::ParquetError),
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
    write_whole(shared, to, |reader, out| {
        write_runs(reader, query, (format, prices), out, progress, is_cancelled)
    })
}

impl History {
    /// Exports on a thread of its own, since it may take minutes. Dropping the future cancels it.
    ///
    /// # Errors
    /// If no thread can be started, or what the export itself says.
    pub(super) async fn exported(
        &self,
        export: impl FnOnce(&HistoryShared, IsCancelled<'_>) -> Result<usize, HistoryError>
        + Send
        + 'static,
    ) -> Result<usize, HistoryError> {
        self.flush().await;
        let shared = Arc::clone(&self.inner.shared);
        let (answer, answered) = oneshot::channel();
        let work = move || {
            let done = export(&shared, &|| answer.is_closed());
            // The caller may have dropped its future.
            let _ = answer.send(done);
        };
        thread::Builder::new()
            .name("history-export".into())
            .spawn(work)
            .map_err(|error| HistoryError(format!("the export could not be started: {error}")))?;
        answered.await.unwrap_or_else(|_| Err(gone()))
    }
}

/// Reads the history and writes a whole file, which takes its place once it is complete; returns the number of its rows.
/// Into a pipe or a device it is written as it comes.
pub(super) fn write_whole(
    shared: &HistoryShared,
    to: &Path,
    write: impl FnOnce(&mut HistoryReader, &mut BufWriter<File>) -> Result<usize, ExportError>,
) -> Result<usize, HistoryError> {
    let mut reader =
        HistoryReader::open(&shared.read_uri()?).map_err(|error| shared.read_error(&error))?;
    let write = |out: &mut BufWriter<File>| write(&mut reader, out);
    let cant_write = |error: &io::Error| {
        HistoryError(format!(
            "{} could not be written ({error}): choose another place",
            to.display()
        ))
    };
    let in_place = private::open_in_place(to).map_err(|error| cant_write(&error))?;
    let written = match in_place {
        Some(stream) => written_to(stream, write).map(|(count, _)| count),
        None => write_beside(to, write),
    };
    written.map_err(|error| match error {
        ExportError::Read(error) => shared.read_error(&error),
        ExportError::Write(error) => cant_write(&error),
        ExportError::Parquet(error) => cant_write(&io::Error::other(error)),
    })
}

/// Writes through a buffer; gives the number of rows, and the file.
fn written_to(
    file: File,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<usize, ExportError>,
) -> Result<(usize, File), ExportError> {
    let mut out = BufWriter::with_capacity(1 << 16, file);
    let count = write(&mut out)?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    Ok((count, file))
}

/// Writes a temporary file beside where it is to be, or beside what a symlink there leads to, and moves it there.
fn write_beside(
    to: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<usize, ExportError>,
) -> Result<usize, ExportError> {
    let to = private::followed(to)?;
    let (part, file) = part_beside(&to)?;
    let written = written_to(file, write).and_then(|(count, file)| {
        file.sync_all()?;
        fs::rename(&part, &to)?;
        Ok(count)
    });
    if written.is_err()
        && let Err(error) = fs::remove_file(&part)
    {
        tracing::warn!("{} is left over: {error}", part.display());
    }
    written
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
    out: &mut (impl Write + Send),
    progress: &dyn Fn(usize, usize),
    is_cancelled: IsCancelled<'_>,
) -> Result<usize, ExportError> {
    let HistoryReader {
        connection: file,
        cache,
        ..
    } = reader;
    let _snapshot = Snapshot::begin(file)?;
    let selection = Selection::of(file, cache, query, is_cancelled)?;
    let total = selection.total(file, cache)?;
    let mut ids = file.prepare(&selection.ids(query.sort))?;
    let mut select = file.prepare(&format!("{} WHERE run.id = ?1", rows::SELECT_RUN))?;
    let mut ids = ids.query([])?;
    let mut count = 0;
    let kinds = columns().map(|column| (column.name(), column.kind()));
    let mut written = ExportFile::begin(format, kinds, out)?;
    while let Some(id) = ids.next()? {
        let mut run = select.query_row([id.get::<_, i64>(0)?], rows::run_of_row)?;
        large_values::load(file, &mut run)?;
        written.put(ExportedRun { file, prices, run })?;
        count += 1;
        if count % PROGRESS_ROWS == 0 {
            progress(count, total);
            if is_cancelled() {
                return Err(reader::cancelled().into());
            }
        }
    }
    written.end()?;
    progress(count, total.max(count));
    Ok(count)
}

/// A run as a row, with where its files are.
struct ExportedRun<'a> {
    file: &'a Connection,
    prices: &'a PriceTable,
    run: Run,
}

impl ExportRow for ExportedRun<'_> {
    fn cells(&self) -> impl Iterator<Item = ExportCell> {
        columns().map(|column| column.cell(&self.run, self.prices))
    }

    fn object(self) -> Result<impl Serialize, ExportError> {
        Ok(run_object(self.file, self.run, self.prices)?)
    }
}

/// A run as the last line of `tokenscope chat --json`, with its id and its request. A file's bytes are replaced by
/// their number and SHA-256, so that the same file can be recognised in several runs.
fn run_object(file: &Connection, mut run: Run, prices: &PriceTable) -> rusqlite::Result<Value> {
    let request = Arc::make_mut(&mut run.head.request);
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
