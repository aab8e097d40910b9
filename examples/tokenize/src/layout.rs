//! How the rows are laid out in the output, by its name.

use std::path::Path;

use anyhow::{Result, bail, ensure};

use crate::cli::Format;

/// A format, and how it is compressed as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) format: Format,
    pub(crate) compression: Option<Compression>,
}

/// Of JSONL: Parquet compresses by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    Gzip,
    Zstd,
}

impl Layout {
    /// What `output` is to hold, with what `--format` says where it is given.
    ///
    /// # Errors
    ///
    /// The name is that of something else.
    pub(crate) fn of(output: &Path, asked: Option<Format>) -> Result<Self> {
        if output == Path::new("-") {
            return Ok(Self { format: asked.unwrap_or(Format::Jsonl), compression: None });
        }
        let (compression, rest) = match extension(output).as_deref() {
            Some("gz") => {
                (Some(Compression::Gzip), Path::new(output.file_stem().unwrap_or_default()))
            }
            Some("zst") => {
                (Some(Compression::Zstd), Path::new(output.file_stem().unwrap_or_default()))
            }
            _ => (None, output),
        };
        let named = match extension(rest).as_deref() {
            Some("jsonl" | "ndjson") => Some(Format::Jsonl),
            Some("parquet") => Some(Format::Parquet),
            None if asked.is_none() && compression.is_none() => Some(Format::Parquet),
            // Whatever it is called, it is told what to hold.
            _ if asked.is_some() => asked,
            _ => None,
        };
        let shown = output.display();
        let Some(named) = named else {
            bail!(
                "cannot write {shown}: what is written ends in .parquet, .jsonl or .ndjson, the latter \
                 two also with .gz or .zst behind; --format says what another name holds"
            );
        };
        let format = asked.unwrap_or(named);
        ensure!(
            format == named,
            "cannot write {shown}: its name is that of another format than --format {}",
            format.extension()
        );
        ensure!(
            compression.is_none() || format == Format::Jsonl,
            "cannot write {shown}: Parquet is compressed inside, and not as a whole"
        );
        Ok(Self { format, compression })
    }

    /// The extension of such a file.
    pub(crate) fn extension(self) -> &'static str {
        match (self.format, self.compression) {
            (Format::Parquet, _) => "parquet",
            (Format::Jsonl, None) => "jsonl",
            (Format::Jsonl, Some(Compression::Gzip)) => "jsonl.gz",
            (Format::Jsonl, Some(Compression::Zstd)) => "jsonl.zst",
        }
    }
}

fn extension(path: &Path) -> Option<String> {
    Some(path.extension()?.to_string_lossy().to_ascii_lowercase())
}

/// Whether a file's name says that its lines are JSON.
pub(crate) fn is_jsonl(path: &Path) -> bool {
    let is_compressed = matches!(extension(path).as_deref(), Some("gz" | "zst"));
    let path = if is_compressed { Path::new(path.file_stem().unwrap_or_default()) } else { path };
    matches!(extension(path).as_deref(), Some("jsonl" | "ndjson"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, asked: Option<Format>) -> Result<&'static str> {
        Layout::of(Path::new(name), asked).map(Layout::extension)
    }

    #[test]
    fn the_name_says_what_is_written() {
        for (name, asked, expected) in [
            ("-", None, "jsonl"),
            ("-", Some(Format::Parquet), "parquet"),
            ("a.b/out.parquet", None, "parquet"),
            ("out.PARQUET", None, "parquet"),
            ("tokens", None, "parquet"),
            ("tokens", Some(Format::Jsonl), "jsonl"),
            ("x.jsonl", None, "jsonl"),
            ("x.ndjson", Some(Format::Jsonl), "jsonl"),
            ("x.jsonl.gz", None, "jsonl.gz"),
            ("x.NDJSON.GZ", None, "jsonl.gz"),
            ("x.ndjson.zst", None, "jsonl.zst"),
            ("x.csv", Some(Format::Jsonl), "jsonl"),
            ("x.gz", Some(Format::Jsonl), "jsonl.gz"),
        ] {
            assert_eq!(of(name, asked).unwrap(), expected, "{name}");
        }
    }

    #[test]
    fn another_name_is_refused() {
        for (name, asked) in [
            ("x.csv", None),
            ("x.json", None),
            ("x.txt", None),
            ("x.gz", None),
            ("x.jsonl.xz", None),
            ("x.jsonl.bz2", None),
            ("x.parquet.gz", None),
            ("x.parquet.zst", Some(Format::Parquet)),
            ("x.csv.gz", Some(Format::Parquet)),
            ("x.parquet", Some(Format::Jsonl)),
            ("x.jsonl", Some(Format::Parquet)),
        ] {
            let error = of(name, asked).unwrap_err().to_string();
            assert!(error.starts_with(&format!("cannot write {name}: ")), "{error}");
        }
    }

    #[test]
    fn jsonl_is_known_by_its_name() {
        for name in ["a.jsonl", "a.ndjson", "a.JSONL.gz", "a.ndjson.zst"] {
            assert!(is_jsonl(Path::new(name)), "{name}");
        }
        for name in ["a.json", "a.txt", "jsonl", "a.gz", "a.jsonl.txt"] {
            assert!(!is_jsonl(Path::new(name)), "{name}");
        }
    }
}
