//! Exports the gaps between probes.

use std::{
    io::{self, Write},
    path::Path,
};

use super::{CsvCell, ExportError, ExportFormat, csv_line, rfc3339, write_whole};
use crate::history::{
    HistoryError, HistoryShared,
    gaps::{self, ProbeGap},
    reader::HistoryReader,
};

/// The columns of a CSV file.
const COLUMNS: [&str; 5] = ["endpoint", "model", "why", "from", "to"];

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
            ExportFormat::Csv => csv(&gaps, out)?,
            ExportFormat::Json => json(&gaps, out)?,
        }
        Ok::<_, ExportError>(gaps.len())
    })
}

fn csv(gaps: &[ProbeGap], out: &mut impl Write) -> io::Result<()> {
    csv_line(COLUMNS.iter().map(|name| CsvCell::text(Some(*name))), out)?;
    for gap in gaps {
        let target = gap.target.as_ref();
        let cells = [
            CsvCell::text(target.map(|target| &target.endpoint)),
            CsvCell::text(target.map(|target| &target.model)),
            CsvCell::text(Some(gap.why.as_str())),
            CsvCell::text(Some(rfc3339(gap.from_unix_ns))),
            CsvCell::text(gap.to_unix_ns.map(rfc3339)),
        ];
        csv_line(cells.into_iter(), out)?;
    }
    Ok(())
}

fn json(gaps: &[ProbeGap], out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"[")?;
    for (index, gap) in gaps.iter().enumerate() {
        out.write_all(if index == 0 { b"\n" } else { b",\n" })?;
        serde_json::to_writer(&mut *out, &gap.line())?;
    }
    out.write_all(if gaps.is_empty() { b"]\n" } else { b"\n]\n" })
}
