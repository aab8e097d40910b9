//! How the threads of a run are started.

use std::fmt;

use crate::sync::Builder;

/// What is asked of the threads of a run.
#[derive(Clone, Copy, Default)]
pub(crate) struct ThreadSettings {
    /// Bytes; `None` is what [`std::thread::Builder`] gives.
    stack_size: Option<usize>,
    /// Each is kept on a processor of its own.
    #[cfg(feature = "affinity")]
    pinned: bool,
}

/// As what users set them by.
impl fmt::Debug for ThreadSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Threads");
        debug.field("stack_size", &self.stack_size);
        #[cfg(feature = "affinity")]
        debug.field("pinned", &self.pinned);
        debug.finish()
    }
}

impl ThreadSettings {
    pub(crate) fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = Some(bytes);
        self
    }

    #[cfg(feature = "affinity")]
    pub(crate) fn pinned(mut self) -> Self {
        self.pinned = true;
        self
    }

    /// What starts a thread.
    pub(super) fn builder(&self) -> Builder {
        let builder = Builder::new();
        match self.stack_size {
            Some(bytes) => builder.stack_size(bytes),
            None => builder,
        }
    }

    /// What a worker's thread does before anything else.
    #[cfg(feature = "affinity")]
    pub(super) fn settle(self, worker: usize) {
        if !self.pinned {
            return;
        }
        if let Some(cores) = core_affinity::get_core_ids().filter(|cores| !cores.is_empty()) {
            core_affinity::set_for_current(cores[worker % cores.len()]);
        }
    }

    #[cfg(not(feature = "affinity"))]
    pub(super) fn settle(self, _worker: usize) {}
}
