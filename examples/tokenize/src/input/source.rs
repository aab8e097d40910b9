//! One input that is open: what is read of it, and what becomes of it meanwhile.

use std::fs::File;
use std::io::{self, BufRead, ErrorKind, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::format::{self, Compression};
use super::gzip::Gzip;
use super::peek::Peek;
use crate::document::Fault;
use crate::files::{InputFile, Stamp};

/// The largest window that a Zstandard frame may ask for (`zstd --long=31`): the memory that is
/// needed is that of the frame's own window.
const ZSTD_WINDOW_LOG: u32 = 31;

/// An open file, or standard input.
pub(super) struct Source {
    file: Option<(Arc<File>, Stamp)>,
    /// Reading failed, rather than decompressing what was read.
    is_broken: Arc<AtomicBool>,
    ignored: Arc<AtomicU64>,
}

impl Source {
    /// Opens a file at an offset into what it decompresses to; with it comes what it says.
    ///
    /// The compression is told by the first bytes and, where these are of no known format, by the
    /// extension.
    ///
    /// # Errors
    ///
    /// The file cannot be opened, has changed since it was listed, is no text, or has less than
    /// `offset` bytes.
    pub(super) fn open(
        file: &InputFile,
        offset: u64,
        read: &Arc<AtomicU64>,
    ) -> Result<(Self, Box<dyn BufRead + Send>), Fault> {
        let mut source = Self { file: None, is_broken: Arc::default(), ignored: Arc::default() };
        let raw: Box<dyn Read + Send> = if file.is_stdin() {
            Box::new(io::stdin())
        } else {
            let raw =
                File::open(file.path()).map_err(|error| Fault::Unreadable(error.to_string()))?;
            let raw = Arc::new(raw);
            source.file = file.stamp().map(|stamp| (Arc::clone(&raw), stamp));
            if source.has_changed() {
                return Err(Fault::Changed);
            }
            Box::new(raw)
        };
        let is_broken = Arc::clone(&source.is_broken);
        let raw = Peek::new(Metered { inner: raw, read: Arc::clone(read), is_broken });
        let text = source.decoded(raw, file, offset, read)?;
        Ok((source, text))
    }

    fn decoded(
        &self,
        mut raw: Peek<Metered>,
        file: &InputFile,
        offset: u64,
        read: &AtomicU64,
    ) -> Result<Box<dyn BufRead + Send>, Fault> {
        let failed = |error| self.fault(error);
        let head = raw.head().map_err(failed)?;
        let by_bytes = format::compression(head);
        if by_bytes.is_none()
            && let Some(name) = format::foreign(head)
        {
            return Err(Fault::Foreign(name.to_owned()));
        }
        let by_name = format::by_extension(file.path());
        if head.is_empty() && by_name.is_some() {
            return Err(Fault::EndsEarly);
        }
        let Some(compression) = by_bytes.or(by_name) else {
            self.go_to(&mut raw, offset, read)?;
            return Ok(Box::new(raw));
        };
        let decoder: Box<dyn Read + Send> = match compression {
            Compression::Gzip => Box::new(Gzip::new(raw, Arc::clone(&self.ignored))),
            Compression::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(raw).map_err(failed)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(failed)?;
                Box::new(decoder)
            }
        };
        let mut text = Peek::new(decoder);
        let head = text.head().map_err(failed)?;
        let inside = format::compression(head).map(Compression::name);
        if let Some(inside) = inside.or_else(|| format::foreign(head)) {
            let name = format!("{inside} inside of {}", compression.name());
            return Err(Fault::Foreign(name));
        }
        self.skip(&mut text, offset)?;
        Ok(Box::new(text))
    }

    /// Goes on at an offset of a plain input: of a file without reading what is before it.
    fn go_to(&self, raw: &mut Peek<Metered>, offset: u64, read: &AtomicU64) -> Result<(), Fault> {
        let failed = |error| self.fault(error);
        if let Some((file, stamp)) = &self.file {
            let mut file = &**file;
            let position = file.stream_position().map_err(failed)?;
            if position < offset && offset <= stamp.size() {
                file.seek(SeekFrom::Start(offset)).map_err(failed)?;
                read.fetch_add(offset - position, Ordering::Relaxed);
                raw.clear();
                return Ok(());
            }
        }
        self.skip(raw, offset)
    }

    fn skip(&self, input: &mut impl Read, offset: u64) -> Result<(), Fault> {
        let skipped = io::copy(&mut input.by_ref().take(offset), &mut io::sink());
        if skipped.map_err(|error| self.fault(error))? < offset {
            // The place to continue at was there in the earlier run.
            return Err(Fault::Changed);
        }
        Ok(())
    }

    /// What is wrong with the input, where reading it failed.
    pub(super) fn fault(&self, error: io::Error) -> Fault {
        if self.has_changed() {
            Fault::Changed
        } else if self.is_broken.load(Ordering::Relaxed) {
            Fault::Unreadable(error.to_string())
        } else if error.kind() == ErrorKind::UnexpectedEof {
            Fault::EndsEarly
        } else {
            Fault::Damaged(error.to_string())
        }
    }

    /// What is wrong with the input, which was read to its end.
    pub(super) fn fault_at_end(&self) -> Option<Fault> {
        let ignored = self.ignored.load(Ordering::Relaxed);
        if self.has_changed() {
            Some(Fault::Changed)
        } else {
            (ignored > 0).then_some(Fault::Ignored(ignored))
        }
    }

    /// Whether the file is another one than when the run started, as far as size and time tell.
    fn has_changed(&self) -> bool {
        self.file.as_ref().is_some_and(|(file, stamp)| {
            file.metadata().is_ok_and(|metadata| Stamp::of(&metadata) != *stamp)
        })
    }
}

/// Counts what is read, and notes that a read failed.
struct Metered {
    inner: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
    is_broken: Arc<AtomicBool>,
}

impl Read for Metered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let result = self.inner.read(buffer);
        match &result {
            Ok(bytes) => {
                self.read.fetch_add(*bytes as u64, Ordering::Relaxed);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => self.is_broken.store(true, Ordering::Relaxed),
        }
        result
    }
}
