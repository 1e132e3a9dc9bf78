//! A file of rows that is being written, in any of the formats.

use std::io::{self, Write};

use serde::Serialize;

use super::{
    ExportError, ExportFormat,
    columns::{CellKind, ExportCell},
    csv,
    parquet::ParquetFile,
};

/// A row of a file.
pub(super) trait ExportRow {
    /// Its cells.
    fn cells(&self) -> impl Iterator<Item = ExportCell>;

    /// The object that it is in a JSON file.
    fn object(self) -> Result<impl Serialize, ExportError>;
}

/// A file that is being written.
pub(super) enum ExportFile<W: Write + Send> {
    Csv(W),
    /// An array with an object a line, and how many these are so far.
    Json(W, usize),
    Parquet(Box<ParquetFile<W>>),
}

impl<W: Write + Send> ExportFile<W> {
    /// A file with these columns: their names, and what their cells are. A JSON file has objects instead.
    pub(super) fn begin(
        format: ExportFormat,
        columns: impl Iterator<Item = (&'static str, CellKind)>,
        mut out: W,
    ) -> Result<Self, ExportError> {
        Ok(match format {
            ExportFormat::Csv => {
                csv::header(columns.map(|(name, _)| name), &mut out)?;
                Self::Csv(out)
            }
            ExportFormat::Json => {
                out.write_all(b"[")?;
                Self::Json(out, 0)
            }
            ExportFormat::Parquet => Self::Parquet(Box::new(ParquetFile::begin(columns, out)?)),
        })
    }

    /// Writes a row.
    pub(super) fn put(&mut self, row: impl ExportRow) -> Result<(), ExportError> {
        match self {
            Self::Csv(out) => csv::row(row.cells(), out)?,
            Self::Json(out, count) => {
                out.write_all(if *count == 0 { b"\n" } else { b",\n" })?;
                serde_json::to_writer(out, &row.object()?).map_err(io::Error::from)?;
                *count += 1;
            }
            Self::Parquet(out) => out.row(row.cells())?,
        }
        Ok(())
    }

    /// Writes what follows the last row.
    pub(super) fn end(self) -> Result<(), ExportError> {
        match self {
            Self::Csv(_) => {}
            Self::Json(mut out, count) => {
                out.write_all(if count == 0 { b"]\n" } else { b"\n]\n" })?;
            }
            Self::Parquet(out) => out.end()?,
        }
        Ok(())
    }
}
