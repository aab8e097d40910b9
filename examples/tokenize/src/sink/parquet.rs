//! Rows as Parquet: a group is a row group.

use std::fs::File;
use std::io::{self, Write};
use std::sync::{Arc, LazyLock};

use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaDataReader;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::{ColumnPath, TypePtr};

use super::group::{Group, RowRef};

/// What `schema()` says, in the words of the format. The names inside `ids` are those that its
/// rules for lists ask for.
const SCHEMA: &str = "message tokens {
    required binary file (STRING);
    required int64 line (INTEGER(64, false));
    required group ids (LIST) {
        repeated group list {
            required int32 element (INTEGER(32, false));
        }
    }
}";

static SCHEMA_TYPE: LazyLock<TypePtr> = LazyLock::new(|| {
    Arc::new(parse_message_type(SCHEMA).expect("the schema is a constant, and tests parse it"))
});

/// The most values handed to a column's writer at a time: bounds the levels beside them.
const BATCH: usize = 64 * 1024;

/// A Parquet file that is being written.
pub(super) struct Writer<W: Write + Send> {
    file: SerializedFileWriter<W>,
}

impl<W: Write + Send> Writer<W> {
    pub(super) fn new(to: W) -> io::Result<Self> {
        let properties = Arc::new(properties()?);
        let file = SerializedFileWriter::new(to, Arc::clone(&SCHEMA_TYPE), properties)
            .map_err(io_error)?;
        Ok(Self { file })
    }

    pub(super) fn write(&mut self, group: &Group) -> io::Result<()> {
        self.write_group(group).map_err(io_error)
    }

    fn write_group(&mut self, group: &Group) -> Result<(), ParquetError> {
        let mut out = self.file.next_row_group()?;
        flat::<ByteArrayType, W>(&mut out, names(group))?;
        flat::<Int64Type, W>(&mut out, group.rows().map(|row| row.line as i64))?;
        lists(&mut out, group)?;
        out.close()?;
        Ok(())
    }

    /// Copies the row groups of a finished file, as they are.
    pub(super) fn append(&mut self, part: File) -> io::Result<()> {
        self.append_groups(&part).map_err(io_error)
    }

    fn append_groups(&mut self, part: &File) -> Result<(), ParquetError> {
        let metadata = ParquetMetaDataReader::new().parse_and_finish(part)?;
        for group in metadata.row_groups() {
            let mut out = self.file.next_row_group()?;
            for column in group.columns() {
                let result = ColumnCloseResult {
                    bytes_written: column.compressed_size() as u64,
                    rows_written: group.num_rows() as u64,
                    metadata: column.clone(),
                    bloom_filter: None,
                    column_index: None,
                    offset_index: None,
                };
                out.append_column(part, result)?;
            }
            out.close()?;
        }
        Ok(())
    }

    pub(super) fn finish(self) -> io::Result<W> {
        self.file.into_inner().map_err(io_error)
    }
}

fn properties() -> io::Result<WriterProperties> {
    let level = ZstdLevel::try_new(3).map_err(io_error)?;
    let [ids, line] = [
        ColumnPath::new(["ids", "list", "element"].map(String::from).to_vec()),
        ColumnPath::new(vec!["line".to_owned()]),
    ];
    Ok(WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        // Line numbers go up one by one: differences are next to nothing.
        .set_column_dictionary_enabled(line.clone(), false)
        .set_column_encoding(line, Encoding::DELTA_BINARY_PACKED)
        // The least and the greatest id of a page serve no query.
        .set_column_statistics_enabled(ids, EnabledStatistics::None)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        // Neither a version nor a time: the same rows are the same bytes.
        .set_created_by("mtask tokenize".to_owned())
        .build())
}

/// The path of each row's file, made once for each run of rows of the same file.
fn names(group: &Group) -> impl Iterator<Item = ByteArray> {
    let mut last: Option<(usize, ByteArray)> = None;
    group.rows().map(move |row| match &last {
        Some((index, name)) if *index == row.file.index => name.clone(),
        _ => {
            let name = ByteArray::from(row.file.name().into_owned().into_bytes());
            last = Some((row.file.index, name.clone()));
            name
        }
    })
}

/// Writes a column that has one value a row.
fn flat<T: DataType, W: Write + Send>(
    out: &mut SerializedRowGroupWriter<'_, W>,
    mut values: impl Iterator<Item = T::T>,
) -> Result<(), ParquetError> {
    let mut column = next_column(out)?;
    let mut batch = Vec::new();
    loop {
        batch.clear();
        batch.extend(values.by_ref().take(BATCH));
        if batch.is_empty() {
            return column.close();
        }
        column.typed::<T>().write_batch(&batch, None, None)?;
    }
}

/// Writes the ids.
///
/// For a list, each value carries two levels: of definition, 1 for an id and 0 for the place of an
/// empty list, and of repetition, 0 for the first id of a row and 1 for those behind it.
fn lists<W: Write + Send>(
    out: &mut SerializedRowGroupWriter<'_, W>,
    group: &Group,
) -> Result<(), ParquetError> {
    let mut column = next_column(out)?;
    let mut rows = group.rows().peekable();
    let (mut ids, mut definition, mut repetition) = (Vec::new(), Vec::new(), Vec::new());
    while rows.peek().is_some() {
        while let Some(RowRef { ids: row, .. }) = rows.next_if(|_| definition.len() < BATCH) {
            // Parquet's integers are signed; the schema says how to take them.
            ids.extend(row.iter().map(|&id| id as i32));
            let levels = row.len().max(1);
            definition.extend(std::iter::repeat_n(i16::from(!row.is_empty()), levels));
            repetition.push(0);
            repetition.extend(std::iter::repeat_n(1, levels - 1));
        }
        let typed = column.typed::<Int32Type>();
        typed.write_batch(&ids, Some(&definition), Some(&repetition))?;
        ids.clear();
        definition.clear();
        repetition.clear();
    }
    column.close()
}

fn next_column<'a, W: Write + Send>(
    out: &'a mut SerializedRowGroupWriter<'_, W>,
) -> Result<parquet::file::writer::SerializedColumnWriter<'a>, ParquetError> {
    out.next_column()?.ok_or_else(|| ParquetError::General("the schema has no more columns".into()))
}

/// The error of the file below, where it is one: "no space left" should read as such.
fn io_error(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(inner) => *inner,
            Err(inner) => io::Error::other(inner),
        },
        error => io::Error::other(error),
    }
}
