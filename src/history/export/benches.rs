//! Exports the requests of a bench.

use std::path::{Path, PathBuf};

use rusqlite::{Error, params, types::Type};
use serde::Serialize;
use serde_json::json;

use super::{
    ExportError, ExportFormat,
    columns::{CellKind, ExportCell},
    file::{ExportFile, ExportRow},
    write_whole,
};
use crate::{
    bench::{BenchId, BenchRequest, RequestOutcome, columns::decode},
    history::{History, HistoryError, HistoryShared},
    run::{ConnectionKind, ms},
};

/// A column of a CSV or Parquet file: its name, what its cells are, and how one is made.
type BenchColumn = (&'static str, CellKind, fn(&BenchRequest) -> ExportCell);

/// The columns. Stamps are milliseconds since the start of the bench.
const COLUMNS: [BenchColumn; 25] = [
    ("number", CellKind::Integer, |r| ExportCell::Count(r.number)),
    ("prompt", CellKind::Integer, |r| {
        ExportCell::Count(r.prompt.into())
    }),
    ("is_warm_up", CellKind::Flag, |r| {
        ExportCell::Flag(r.is_warm_up)
    }),
    ("connection", CellKind::Text, |r| {
        ExportCell::text(r.connection.map(ConnectionKind::as_str))
    }),
    ("status", CellKind::Integer, |r| {
        ExportCell::of(r.status, |status| ExportCell::Count(status.into()))
    }),
    ("outcome", CellKind::Text, |r| {
        ExportCell::text(Some(outcome(r)))
    }),
    ("scheduled_ms", CellKind::Number, |r| {
        ExportCell::Number(ms(r.scheduled))
    }),
    ("started_ms", CellKind::Number, |r| {
        ExportCell::Number(ms(r.started))
    }),
    ("request_sent_ms", CellKind::Number, |r| {
        stamp(r.request_sent)
    }),
    ("headers_ms", CellKind::Number, |r| stamp(r.headers)),
    ("first_event_ms", CellKind::Number, |r| stamp(r.first_event)),
    ("first_token_ms", CellKind::Number, |r| stamp(r.first_token)),
    ("first_visible_ms", CellKind::Number, |r| {
        stamp(r.first_visible)
    }),
    ("last_token_ms", CellKind::Number, |r| stamp(r.last_token)),
    ("finished_ms", CellKind::Number, |r| stamp(r.finished)),
    ("ended_ms", CellKind::Number, |r| {
        ExportCell::Number(ms(r.ended))
    }),
    ("lag_ms", CellKind::Number, |r| {
        ExportCell::Number(r.lag_ms())
    }),
    ("ttft_ms", CellKind::Number, |r| number(r.ttft_ms())),
    ("ttft_from_schedule_ms", CellKind::Number, |r| {
        number(r.ttft_from_schedule_ms())
    }),
    ("tpot_ms", CellKind::Number, |r| number(r.tpot_ms())),
    ("total_ms", CellKind::Number, |r| number(r.total_ms())),
    ("input_tokens", CellKind::Integer, |r| count(r.input_tokens)),
    ("output_tokens", CellKind::Integer, |r| {
        count(r.output_tokens)
    }),
    ("pieces", CellKind::Integer, |r| {
        ExportCell::Count(r.pieces.into())
    }),
    ("our_delay_ms", CellKind::Number, |r| {
        stamp(r.our_delay.map(u64::from))
    }),
];

fn outcome(request: &BenchRequest) -> &'static str {
    match request.outcome {
        RequestOutcome::Ok => "ok",
        RequestOutcome::Fault(class) => class.as_str(),
    }
}

fn stamp(at: Option<u64>) -> ExportCell {
    number(at.map(ms))
}

fn number(value: Option<f64>) -> ExportCell {
    ExportCell::of(value, ExportCell::Number)
}

fn count(tokens: Option<u32>) -> ExportCell {
    ExportCell::of(tokens, |tokens| ExportCell::Count(tokens.into()))
}

impl History {
    /// Writes the requests of a bench to a file, atomically, and returns their number.
    ///
    /// # Errors
    /// If the history can't be read or the file not be written.
    pub async fn export_bench(
        &self,
        id: BenchId,
        format: ExportFormat,
        to: PathBuf,
    ) -> Result<usize, HistoryError> {
        self.exported(move |shared, _| export_bench(shared, id, format, &to))
            .await
    }
}

/// Exports the requests of a bench on the calling thread, a block at a time, and returns their number.
///
/// # Errors
/// If the history can't be read or the file not be written; no part of it is left then.
fn export_bench(
    shared: &HistoryShared,
    id: BenchId,
    format: ExportFormat,
    to: &Path,
) -> Result<usize, HistoryError> {
    write_whole(shared, to, |reader, out| {
        let columns = COLUMNS.iter().map(|(name, kind, _)| (*name, *kind));
        let mut file = ExportFile::begin(format, columns, out)?;
        let mut blocks = reader
            .connection
            .prepare("SELECT bytes FROM bench_block WHERE bench = ?1 ORDER BY seq")?;
        let mut blocks = blocks.query(params![id.0])?;
        let mut requests = 0;
        while let Some(row) = blocks.next()? {
            let block = decode(row.get_ref(0)?.as_blob().map_err(Error::from)?);
            let block = block
                .map_err(|bad| Error::FromSqlConversionFailure(0, Type::Blob, Box::new(bad)))?;
            for request in &block {
                file.put(request)?;
            }
            requests += block.len();
        }
        file.end()?;
        Ok(requests)
    })
}

impl ExportRow for &BenchRequest {
    fn cells(&self) -> impl Iterator<Item = ExportCell> {
        COLUMNS.iter().map(|(_, _, cell)| cell(self))
    }

    /// In a JSON file also the reads that carried tokens: milliseconds since the request was started, and how many; and the
    /// text, where it is kept.
    fn object(self) -> Result<impl Serialize, ExportError> {
        let mut object = serde_json::Map::new();
        for (name, _, cell) in &COLUMNS {
            let value = match cell(self) {
                ExportCell::Blank => serde_json::Value::Null,
                ExportCell::Text(text) => text.into(),
                ExportCell::Integer(number) | ExportCell::Time(number) => number.into(),
                ExportCell::Count(count) => count.into(),
                ExportCell::Number(number) => number.into(),
                ExportCell::Flag(is_so) => is_so.into(),
            };
            object.insert((*name).to_owned(), value);
        }
        let reads = self.arrivals.iter();
        let reads: Vec<_> = reads
            .map(|read| json!([ms(read.since_started), read.tokens]))
            .collect();
        object.insert("reads".to_owned(), reads.into());
        if let Some(text) = &self.text {
            object.insert("text".to_owned(), text.text.as_str().into());
            object.insert("text_is_cut".to_owned(), text.is_cut.into());
        }
        Ok(object)
    }
}
