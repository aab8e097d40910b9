//! The errors of a whole run.

use std::error::Error;
use std::fmt;

use super::TaskError;

/// All that failed in a run: the one error at the end of `.defer_errors()`.
///
/// Keeps the first 1,000 errors and counts the rest, so that a run in which everything fails does
/// not fill the memory.
///
/// # Examples
///
/// ```
/// use mtask::{Spec, par_stateful, worker_fn};
///
/// let specs = worker_fn(|x: u32| 100 / x).times(2);
/// let (good, bad): (Vec<_>, Vec<_>) =
///     par_stateful([5, 0, 20, 0], specs).defer_errors().partition(Result::is_ok);
/// assert_eq!(good.len(), 2);
/// let errors = bad.into_iter().next().unwrap().unwrap_err();
/// assert_eq!(errors.count(), 2);
/// assert_eq!(errors.iter().map(|e| e.index().unwrap()).collect::<Vec<_>>(), [1, 3]);
/// ```
#[derive(Clone, Default)]
pub struct TaskErrors {
    kept: Vec<TaskError>,
    count: usize,
}

impl TaskErrors {
    /// How many errors are kept; further ones are counted.
    pub const KEPT: usize = 1_000;

    pub(crate) fn push(&mut self, error: TaskError) {
        self.count += 1;
        if self.kept.len() < Self::KEPT {
            self.kept.push(error);
        }
    }

    /// How many items failed: those kept and those counted.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The errors that were kept, in the order in which they came.
    pub fn iter(&self) -> std::slice::Iter<'_, TaskError> {
        self.kept.iter()
    }
}

impl fmt::Display for TaskErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.kept {
            [] => f.write_str("no item failed"),
            [only] if only.index().is_none() => write!(f, "the run failed: {only}"),
            [only] if self.count == 1 => write!(f, "1 item failed: {only}"),
            [first, ..] => write!(f, "{} items failed, the first: {first}", self.count),
        }
    }
}

impl fmt::Debug for TaskErrors {
    /// The count and the first few errors, a line each; in the alternate form, the fields.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// How many errors are shown one by one.
        const SHOWN: usize = 10;
        if f.alternate() {
            return f
                .debug_struct("TaskErrors")
                .field("count", &self.count)
                .field("kept", &self.kept)
                .finish();
        }
        match &*self.kept {
            [only] if only.index().is_none() => f.write_str("the run failed:"),
            [_] if self.count == 1 => f.write_str("1 item failed:"),
            _ => write!(f, "{} items failed:", self.count),
        }?;
        for error in self.kept.iter().take(SHOWN) {
            write!(f, "\n  {error:#}")?;
        }
        match self.count.saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}

impl Error for TaskErrors {
    /// The cause of the first error, which `Display` names.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.kept.first().and_then(Error::source)
    }
}

impl IntoIterator for TaskErrors {
    type Item = TaskError;
    type IntoIter = std::vec::IntoIter<TaskError>;

    fn into_iter(self) -> Self::IntoIter {
        self.kept.into_iter()
    }
}

impl<'a> IntoIterator for &'a TaskErrors {
    type Item = &'a TaskError;
    type IntoIter = std::slice::Iter<'a, TaskError>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
