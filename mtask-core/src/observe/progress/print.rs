//! What a program prints while bars are shown.

use std::fmt;
use std::io::{self, Write};

use super::ProgressOptions;
use super::screen;

impl ProgressOptions {
    /// Prints a line to standard error, above the bars where there are any: at any time, from any thread.
    ///
    /// It is there whether standard error is a terminal, a notebook or a file, and whether a run is shown or
    /// not; a standard error that is closed is ignored. Bars on a terminal that are not among those of
    /// [`bars`](ProgressOptions::bars), such as those of a [`multi`](ProgressOptions::multi) of the caller's,
    /// are not known here: theirs is [`MultiProgress::println`](indicatif::MultiProgress::println).
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::{ProgressOptions, par_map};
    ///
    /// for result in par_map(0..10, 2, |x: u32| x).progress("reading") {
    ///     if result? == 5 {
    ///         ProgressOptions::println("five is here");
    ///     }
    /// }
    /// # Ok::<(), mtask::TaskError>(())
    /// ```
    pub fn println(line: impl AsRef<str>) {
        let line = format!("{}\n", line.as_ref());
        // As with a log: a closed one is no reason to end the run.
        let _ = screen::print(line.as_bytes());
    }

    /// A writer to standard error whose lines stand above the bars, as those of
    /// [`println`](ProgressOptions::println) do.
    ///
    /// # Examples
    ///
    /// For the `fmt` subscriber of `tracing-subscriber`, a closure that gives one is a `MakeWriter`:
    /// `.with_writer(ProgressOptions::writer)`.
    ///
    /// ```
    /// use std::io::Write;
    ///
    /// use mtask::{ProgressOptions, par_map};
    ///
    /// let mut out = ProgressOptions::writer();
    /// for result in par_map(0..10, 2, |x: u32| x).progress("reading") {
    ///     let x = result?;
    ///     if x % 5 == 0 {
    ///         writeln!(out, "{x} is here")?;
    ///     }
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn writer() -> ProgressWriter {
        ProgressWriter { line: Vec::new() }
    }
}

/// A writer whose lines stand above the bars; from [`ProgressOptions::writer`].
///
/// Each line is written as soon as it is whole, and never cut: what has no line feed yet waits for it, also
/// at a `flush`, and is written with one when the writer is dropped. A clone has a line of its own.
///
/// # Examples
///
/// ```
/// use std::io::Write;
///
/// use mtask::{ProgressOptions, ProgressWriter};
///
/// fn log(out: &mut ProgressWriter, what: &str) -> std::io::Result<()> {
///     writeln!(out, "log: {what}")
/// }
///
/// log(&mut ProgressOptions::writer(), "before the first run")?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[cfg_attr(mtask_docs, doc(cfg(feature = "progress")))]
pub struct ProgressWriter {
    /// What is not a whole line yet.
    line: Vec<u8>,
}

impl Write for ProgressWriter {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let Some(end) = text.iter().rposition(|&byte| byte == b'\n') else {
            self.line.extend_from_slice(text);
            return Ok(text.len());
        };
        let (whole, rest) = text.split_at(end + 1);
        if self.line.is_empty() {
            screen::print(whole)?;
        } else {
            // By one call, so that lines of several writers do not mix.
            self.line.extend_from_slice(whole);
            let printed = screen::print(&self.line);
            self.line.clear();
            printed?;
        }
        self.line.extend_from_slice(rest);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Clone for ProgressWriter {
    fn clone(&self) -> Self {
        Self { line: Vec::new() }
    }
}

impl Drop for ProgressWriter {
    fn drop(&mut self) {
        if !self.line.is_empty() {
            self.line.push(b'\n');
            // There is nobody to tell of an error.
            let _ = screen::print(&self.line);
        }
    }
}

impl fmt::Debug for ProgressWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProgressWriter").finish_non_exhaustive()
    }
}
