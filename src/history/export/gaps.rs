//! Exports the gaps between probes.

use std::{
    io::{self, Write},
    path::Path,
};

use super::{
    ExportError, ExportFormat,
    columns::{CellKind, ExportCell},
    csv,
    parquet::ParquetFile,
    write_whole,
};
use crate::history::{
    HistoryError, HistoryShared,
    gaps::{self, ProbeGap},
    reader::HistoryReader,
};

/// The columns of a CSV or Parquet file.
const COLUMNS: [(&str, CellKind); 5] = [
    ("endpoint", CellKind::Text),
    ("model", CellKind::Text),
    ("why", CellKind::Text),
    ("from", CellKind::Time),
    ("to", CellKind::Time),
];

/// Exports the gaps that reach behind `since` on the calling thread, and returns their number.
///
/// # Errors
/// If the history can't be read or the file not be written; no part of it is left then.
pub(in crate::history) fn export_gaps(
    shared: &HistoryShared,
    since: Option<i64>,
    format: ExportFormat,
    to: &Path,
) -> Result<usize, HistoryError> {
    let reader =
        HistoryReader::open(&shared.read_uri()?).map_err(|error| shared.read_error(&error))?;
    write_whole(shared, to, |out| {
        let stretch = (since.unwrap_or(i64::MIN), i64::MAX);
        let gaps = gaps::between(&reader.connection, stretch, 0)?;
        match format {
            ExportFormat::Csv => {
                csv::header(COLUMNS.iter().map(|(name, _)| *name), out)?;
                for gap in &gaps {
                    csv::row(cells(gap).into_iter(), out)?;
                }
            }
            ExportFormat::Json => json(&gaps, out)?,
            ExportFormat::Parquet => {
                let mut file = ParquetFile::begin(COLUMNS.into_iter(), out)?;
                for gap in &gaps {
                    file.row(cells(gap).into_iter())?;
                }
                file.end()?;
            }
        }
        Ok::<_, ExportError>(gaps.len())
    })
}

fn cells(gap: &ProbeGap) -> [ExportCell; 5] {
    let target = gap.target.as_ref();
    [
        ExportCell::text(target.map(|target| &target.endpoint)),
        ExportCell::text(target.map(|target| &target.model)),
        ExportCell::text(Some(gap.why.as_str())),
        ExportCell::Time(gap.from_unix_ns),
        ExportCell::of(gap.to_unix_ns, ExportCell::Time),
    ]
}

fn json(gaps: &[ProbeGap], out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"[")?;
    for (index, gap) in gaps.iter().enumerate() {
        out.write_all(if index == 0 { b"\n" } else { b",\n" })?;
        serde_json::to_writer(&mut *out, &gap.line())?;
    }
    out.write_all(if gaps.is_empty() { b"]\n" } else { b"\n]\n" })
}
