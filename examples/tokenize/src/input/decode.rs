//! Opening a file or standard input, plain or compressed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

use crate::files::InputFile;

const BUFFER: usize = 128 * 1024;

/// Opens a file at an offset into what it decompresses to.
///
/// The compression is told by the extension and, where there is none of a compressed file, by the
/// first bytes: neither format begins with a byte sequence that a text could begin with.
///
/// # Errors
///
/// The file cannot be opened, or has less than `offset` bytes.
pub(super) fn open(
    file: &InputFile,
    offset: u64,
    read: &Arc<AtomicU64>,
) -> io::Result<Box<dyn BufRead + Send>> {
    if file.is_stdin() {
        return decoded(Metered::new(io::stdin(), read), None, offset);
    }
    let mut raw = File::open(file.path())?;
    let by_name = by_extension(file);
    if by_name.is_none() && offset > 0 && !is_compressed(&mut raw)? {
        raw.seek(SeekFrom::Start(offset))?;
        read.fetch_add(offset, Ordering::Relaxed);
        return Ok(buffered(Metered::new(raw, read)));
    }
    decoded(Metered::new(raw, read), by_name, offset)
}

#[derive(Clone, Copy)]
enum Compression {
    Gzip,
    Zstd,
}

fn by_extension(file: &InputFile) -> Option<Compression> {
    let extension = file.path().extension()?;
    if extension.eq_ignore_ascii_case("gz") {
        Some(Compression::Gzip)
    } else if extension.eq_ignore_ascii_case("zst") {
        Some(Compression::Zstd)
    } else {
        None
    }
}

fn by_first_bytes(first: &[u8]) -> Option<Compression> {
    if first.starts_with(b"\x1f\x8b") {
        Some(Compression::Gzip)
    } else if first.starts_with(b"\x28\xb5\x2f\xfd") {
        Some(Compression::Zstd)
    } else {
        None
    }
}

/// Whether a file that can be read again begins as a compressed one.
fn is_compressed(file: &mut File) -> io::Result<bool> {
    let mut first = Vec::new();
    file.take(4).read_to_end(&mut first)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(by_first_bytes(&first).is_some())
}

fn decoded<R: Read + Send + 'static>(
    input: R,
    by_name: Option<Compression>,
    offset: u64,
) -> io::Result<Box<dyn BufRead + Send>> {
    let mut raw = BufReader::with_capacity(BUFFER, input);
    // A pipe may give less than four bytes at first: then it is taken as plain.
    let compression = match by_name {
        Some(known) => Some(known),
        None => by_first_bytes(raw.fill_buf()?),
    };
    let mut input = match compression {
        None => Box::new(raw),
        Some(Compression::Gzip) => buffered(MultiGzDecoder::new(raw)),
        Some(Compression::Zstd) => buffered(zstd::Decoder::with_buffer(raw)?),
    };
    let skipped = io::copy(&mut input.by_ref().take(offset), &mut io::sink())?;
    if skipped < offset {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("the file ends at byte {skipped}, before the place to continue at"),
        ));
    }
    Ok(input)
}

fn buffered<R: Read + Send + 'static>(input: R) -> Box<dyn BufRead + Send> {
    Box::new(BufReader::with_capacity(BUFFER, input))
}

/// Counts what is read.
struct Metered<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R> Metered<R> {
    fn new(inner: R, read: &Arc<AtomicU64>) -> Self {
        Self { inner, read: Arc::clone(read) }
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.inner.read(buffer)?;
        self.read.fetch_add(bytes as u64, Ordering::Relaxed);
        Ok(bytes)
    }
}
