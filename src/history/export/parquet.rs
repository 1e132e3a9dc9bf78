//! An Apache Parquet file: the rows of a CSV file, with types. <https://parquet.apache.org/docs/file-format/>
//!
//! All columns are optional: what is not known is null. Texts are as they are.

use std::{io::Write, sync::Arc};

use ::parquet::{
    basic::{Compression, LogicalType, Repetition, TimeUnit, Type as PhysicalType, ZstdLevel},
    data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type},
    errors::ParquetError,
    file::{
        properties::WriterProperties,
        writer::{SerializedColumnWriter, SerializedFileWriter},
    },
    schema::types::Type,
};

use super::columns::{CellKind, ExportCell};

/// Most rows of a group, all of which is in memory until it is written.
const MOST_ROWS: usize = 10_000;
/// Most bytes of texts of a group.
const MOST_BYTES: usize = 16 << 20;

/// A file that is being written.
pub(super) struct ParquetFile<W: Write + Send> {
    out: SerializedFileWriter<W>,
    columns: Vec<HeldColumn>,
    rows: usize,
    bytes: usize,
}

/// The values of a column that wait to be written, and whether each row has one.
struct HeldColumn {
    values: HeldValues,
    levels: Vec<i16>,
}

enum HeldValues {
    Texts(Vec<ByteArray>),
    /// Times, too.
    Integers(Vec<i64>),
    Numbers(Vec<f64>),
    Flags(Vec<bool>),
}

impl<W: Write + Send> ParquetFile<W> {
    /// A file with these columns: their names, and what their cells are.
    pub(super) fn begin(
        columns: impl Iterator<Item = (&'static str, CellKind)>,
        out: W,
    ) -> Result<Self, ParquetError> {
        let (mut fields, mut held) = (Vec::new(), Vec::new());
        for (name, kind) in columns {
            fields.push(Arc::new(field(name, kind)?));
            held.push(HeldColumn::of(kind));
        }
        let schema = Type::group_type_builder("schema")
            .with_fields(fields)
            .build()?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by(concat!("tokenscope ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        Ok(Self {
            out: SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties))?,
            columns: held,
            rows: 0,
            bytes: 0,
        })
    }

    /// Takes a row: a cell for each column.
    pub(super) fn row(
        &mut self,
        cells: impl Iterator<Item = ExportCell>,
    ) -> Result<(), ParquetError> {
        for (held, cell) in self.columns.iter_mut().zip(cells) {
            self.bytes += held.push(cell);
        }
        self.rows += 1;
        if self.rows >= MOST_ROWS || self.bytes >= MOST_BYTES {
            self.write_group()?;
        }
        Ok(())
    }

    pub(super) fn end(mut self) -> Result<(), ParquetError> {
        if self.rows > 0 {
            self.write_group()?;
        }
        self.out.close().map(drop)
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        let mut group = self.out.next_row_group()?;
        for held in &mut self.columns {
            let Some(mut column) = group.next_column()? else {
                break;
            };
            let levels = std::mem::take(&mut held.levels);
            match &mut held.values {
                HeldValues::Texts(values) => {
                    write_values::<ByteArrayType>(&mut column, values, &levels)?;
                }
                HeldValues::Integers(values) => {
                    write_values::<Int64Type>(&mut column, values, &levels)?;
                }
                HeldValues::Numbers(values) => {
                    write_values::<DoubleType>(&mut column, values, &levels)?;
                }
                HeldValues::Flags(values) => {
                    write_values::<BoolType>(&mut column, values, &levels)?;
                }
            }
            column.close()?;
        }
        group.close()?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }
}

/// Writes the values of a column, of which none is left.
fn write_values<T: DataType>(
    column: &mut SerializedColumnWriter<'_>,
    values: &mut Vec<T::T>,
    levels: &[i16],
) -> Result<(), ParquetError> {
    let values = std::mem::take(values);
    column
        .typed::<T>()
        .write_batch(&values, Some(levels), None)?;
    Ok(())
}

/// A column in the schema.
fn field(name: &str, kind: CellKind) -> Result<Type, ParquetError> {
    let (physical, logical) = match kind {
        CellKind::Text => (PhysicalType::BYTE_ARRAY, Some(LogicalType::String)),
        CellKind::Integer => (PhysicalType::INT64, None),
        CellKind::Number => (PhysicalType::DOUBLE, None),
        CellKind::Flag => (PhysicalType::BOOLEAN, None),
        CellKind::Time => {
            let nanoseconds = LogicalType::timestamp(true, TimeUnit::NANOS);
            (PhysicalType::INT64, Some(nanoseconds))
        }
    };
    Type::primitive_type_builder(name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical)
        .build()
}

impl HeldColumn {
    fn of(kind: CellKind) -> Self {
        let values = match kind {
            CellKind::Text => HeldValues::Texts(Vec::new()),
            CellKind::Integer | CellKind::Time => HeldValues::Integers(Vec::new()),
            CellKind::Number => HeldValues::Numbers(Vec::new()),
            CellKind::Flag => HeldValues::Flags(Vec::new()),
        };
        Self {
            values,
            levels: Vec::new(),
        }
    }

    /// Takes a cell (a count beyond 2^63 is the largest number), and gives the bytes of its text. A cell of another kind than its column's is left blank.
    fn push(&mut self, cell: ExportCell) -> usize {
        let mut bytes = 0;
        let has_value = match (&mut self.values, cell) {
            (HeldValues::Texts(values), ExportCell::Text(text)) => {
                bytes = text.len();
                values.push(text.into_bytes().into());
                true
            }
            (
                HeldValues::Integers(values),
                ExportCell::Integer(number) | ExportCell::Time(number),
            ) => {
                values.push(number);
                true
            }
            (HeldValues::Integers(values), ExportCell::Count(count)) => {
                values.push(i64::try_from(count).unwrap_or(i64::MAX));
                true
            }
            (HeldValues::Numbers(values), ExportCell::Number(number)) => {
                values.push(number);
                true
            }
            (HeldValues::Flags(values), ExportCell::Flag(is_so)) => {
                values.push(is_so);
                true
            }
            (_, cell) => {
                debug_assert!(matches!(cell, ExportCell::Blank), "a cell of another kind");
                false
            }
        };
        self.levels.push(i16::from(has_value));
        bytes
    }
}
