//! A folder to run the program in, and what comes of it.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use flate2::Compression;
use flate2::write::GzEncoder;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, RowAccessor};
use serde_json::Value;
use tempfile::TempDir;
use tokenizers::Tokenizer;

/// A row of the output: file, line, ids.
pub(crate) type Row = (String, u64, Vec<u32>);

pub(crate) const BUNDLED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/tokenizer.json");

/// A folder of its own, with the bundled tokenizer as `tok.json`.
pub(crate) struct Place(TempDir);

/// What a run left.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::copy(BUNDLED, place.path("tok.json")).unwrap();
        place
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// The names in the folder, sorted, without the tokenizer.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "tok.json")
            .collect();
        names.sort();
        names
    }

    /// The program in this folder, not yet run.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        let program = env!("CARGO_BIN_EXE_tokenize");
        let mut command = if cfg!(target_os = "linux") {
            // A shell that starts these tests in the background, or `nohup`, has them ignore signals.
            let mut command = Command::new("env");
            command.args(["--default-signal=INT,TERM,HUP", program]);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(self.0.path()).args(args).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs the program with these arguments, separated by spaces, and the tokenizer.
    pub(crate) fn run(&self, args: &str) -> Ran {
        let args: Vec<&str> = args.split_whitespace().chain(["-t", "tok.json"]).collect();
        self.command(&args).output().unwrap().into()
    }

    /// The same, with something on standard input.
    pub(crate) fn run_with(&self, stdin: &[u8], args: &str) -> Ran {
        let args: Vec<&str> = args.split_whitespace().chain(["-t", "tok.json"]).collect();
        let mut child = self.command(&args).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(stdin).unwrap();
        child.wait_with_output().unwrap().into()
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    /// Asks for success.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self
    }

    /// Asks for an exit code and for a line on standard error with each of these texts.
    #[track_caller]
    pub(crate) fn says(self, code: i32, texts: &[&str]) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.stderr);
        for text in texts {
            let count = self.stderr.lines().filter(|line| line.contains(text)).count();
            assert_eq!(count, 1, "{text:?} is not said once:\n{}", self.stderr);
        }
        self
    }

    /// The rows on standard output.
    pub(crate) fn rows(&self) -> Vec<Row> {
        jsonl(self.stdout.as_bytes())
    }
}

/// The rows in JSONL.
pub(crate) fn jsonl(bytes: &[u8]) -> Vec<Row> {
    let lines = str::from_utf8(bytes).unwrap().lines();
    lines
        .map(|line| {
            let row: Value = serde_json::from_str(line).unwrap();
            let ids = row["ids"].as_array().unwrap();
            let ids = ids.iter().map(|id| id.as_u64().unwrap().try_into().unwrap()).collect();
            (row["file"].as_str().unwrap().to_owned(), row["line"].as_u64().unwrap(), ids)
        })
        .collect()
}

/// The rows in a Parquet file, and how many are in each row group.
pub(crate) fn parquet(path: &Path) -> (Vec<Row>, Vec<i64>) {
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    let groups = reader.metadata().row_groups().iter().map(|group| group.num_rows()).collect();
    let rows = reader.get_row_iter(None).unwrap().map(|row| {
        let row = row.unwrap();
        let ids = row.get_list(2).unwrap().elements().iter().map(|id| match id {
            Field::UInt(id) => *id,
            other => panic!("an id is {other:?}"),
        });
        (row.get_string(0).unwrap().clone(), row.get_ulong(1).unwrap(), ids.collect())
    });
    (rows.collect(), groups)
}

/// What the library itself makes of a text.
pub(crate) fn ids(text: &str) -> Vec<u32> {
    static BUNDLED_TOKENIZER: LazyLock<Tokenizer> =
        LazyLock::new(|| Tokenizer::from_file(BUNDLED).unwrap());
    BUNDLED_TOKENIZER.encode(text, true).unwrap().get_ids().to_vec()
}

/// The rows for `lines` of `file`, as they ought to be.
pub(crate) fn rows(file: &str, lines: &[(u64, &str)]) -> Vec<Row> {
    lines.iter().map(|&(line, text)| (file.to_owned(), line, ids(text))).collect()
}

pub(crate) fn gzip(text: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_ref()).unwrap();
    encoder.finish().unwrap()
}

/// So many lines of text, each different.
pub(crate) fn text(lines: usize) -> String {
    (0..lines).map(|n| format!("line {n}: the quick brown fox, {} times\n", n * n)).collect()
}
