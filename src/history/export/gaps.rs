//! Exports the gaps between probes.

use std::path::Path;

use serde::Serialize;

use super::{
    ExportError, ExportFormat,
    columns::{CellKind, ExportCell},
    file::{ExportFile, ExportRow},
    write_whole,
};
use crate::history::{
    HistoryError, HistoryShared,
    gaps::{self, ProbeGap},
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
    write_whole(shared, to, |reader, out| {
        let stretch = (since.unwrap_or(i64::MIN), i64::MAX);
        let gaps = gaps::between(&reader.connection, stretch, 0)?;
        let mut file = ExportFile::begin(format, COLUMNS.into_iter(), out)?;
        for gap in &gaps {
            file.put(gap)?;
        }
        file.end()?;
        Ok(gaps.len())
    })
}

impl ExportRow for &ProbeGap {
    fn cells(&self) -> impl Iterator<Item = ExportCell> {
        let target = self.target.as_ref();
        let cells: [ExportCell; COLUMNS.len()] = [
            ExportCell::text(target.map(|target| &target.endpoint)),
            ExportCell::text(target.map(|target| &target.model)),
            ExportCell::text(Some(self.why.as_str())),
            ExportCell::Time(self.from_unix_ns),
            ExportCell::of(self.to_unix_ns, ExportCell::Time),
        ];
        cells.into_iter()
    }

    fn object(self) -> Result<impl Serialize, ExportError> {
        Ok(self.line())
    }
}
