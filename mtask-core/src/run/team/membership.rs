//! Which crews a thread belongs to, so that no thread waits for itself.
//!
//! A run may be dropped by one of its own workers: in a call, a build or a destructor, in the source
//! that a worker pulls, or in a job that a worker has spawned into its pool. Its threads cannot be
//! joined from there. The same holds for the threads of a run that a worker has started, since that
//! worker may be waiting for them.

use std::cell::RefCell;

use crate::sync::{Arc, thread_local};

thread_local! {
    /// The crew that this thread belongs to, and those that it was started from.
    static CREWS: RefCell<Vec<Arc<Token>>> = const { RefCell::new(Vec::new()) };
}

/// Stands for a crew. Not of size zero, so that each has an address of its own.
#[derive(Debug)]
struct Token(#[allow(dead_code, reason = "gives it a size")] u8);

/// A crew, as its threads and those that wait for them know it.
#[derive(Clone, Debug)]
pub(crate) struct Membership {
    crew: Arc<Token>,
    /// The crews that the starting thread belonged to.
    outer: Vec<Arc<Token>>,
}

impl Membership {
    /// Of a crew that this thread is about to start.
    pub(crate) fn new() -> Self {
        Self { crew: Arc::new(Token(0)), outer: CREWS.with_borrow(Vec::clone) }
    }

    /// Makes this thread a member, for as long as it lives.
    pub(crate) fn enter(self) {
        let Self { crew, outer: mut crews } = self;
        crews.push(crew);
        CREWS.set(crews);
    }

    /// A thread of the crew is this one, or may be waiting for this one.
    pub(crate) fn includes_this_thread(&self) -> bool {
        // A run may be dropped by the destructor of another thread-local, after this one is gone.
        let of = |crews: &RefCell<Vec<_>>| {
            crews.borrow().iter().any(|crew| Arc::ptr_eq(crew, &self.crew))
        };
        CREWS.try_with(of).unwrap_or(false)
    }
}
