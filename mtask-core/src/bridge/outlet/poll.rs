//! The consumer that polls: a task, which is woken and not put to sleep.
//!
//! It can be woken at any time, but has no timer: whoever brings what it waits for has to wake it
//! without fail. So it says that it waits in two steps, each of which is a store before a look:
//!
//! 1. It stores its waker with the notifier, and then looks for everything: what was told by the notifier
//!    itself (a cancel, a close, the last of the builds at the start) is stored by others before they ring, so
//!    that either the look finds it or the ring finds the waker.
//! 2. It says which result it waits for, and then looks for just that, with a fence between the two as
//!    workers have one between a result and the look for who waits. This holds for workers whose
//!    claims are not quick, and in such a run none is: `Plan::polled`.
//!
//! Between any two polls it may be woken for nothing, by a ring for what it has found by itself
//! meanwhile. That is allowed to every waker.

use std::task::{Poll, Waker};

use super::super::signals::NOBODY;
use super::super::tuning;
use super::super::turn::Pull;
use super::super::{Finished, Notifier};
use super::{Look, Outlet, Watch};

/// A source that may have nothing as yet.
pub(crate) trait PollPull<T>: Pull<T> {
    /// Its last turn gave nothing, but will have the task woken; so it is not asked again in this poll.
    fn is_pending(&self) -> bool;

    /// That of the task.
    fn waker(&self) -> &Waker;
}

impl<T, O> Outlet<T, O> {
    /// The next result, if it is there; else the task is woken when there may be one. `None` is the
    /// end of the run.
    pub(crate) fn poll(&mut self, waker: &Waker) -> Poll<Option<Finished<O>>> {
        self.wake_up();
        let mut is_stored = false;
        loop {
            match self.look(false) {
                Look::Ready(finished) => return Poll::Ready(Some(finished)),
                Look::Over => return Poll::Ready(None),
                Look::Pending => {}
            }
            if self.is_to_wait(waker, &mut is_stored) {
                return Poll::Pending;
            }
        }
    }

    /// As [`poll`](Outlet::poll), of a consumer that feeds the bridge from a source of its own, as in
    /// [`take_and_feed`](Outlet::take_and_feed).
    ///
    /// Where it gives nothing, the source has been asked until it had nothing either, or there was no
    /// room; room is made by the consumer alone.
    pub(crate) fn poll_and_feed(
        &mut self,
        pull: &mut impl PollPull<T>,
    ) -> Poll<Option<Finished<O>>> {
        self.wake_up();
        self.tell();
        let mut is_stored = false;
        let mut pulled = 0;
        loop {
            match self.look(false) {
                Look::Ready(finished) => {
                    if !pull.is_pending() {
                        self.feed_on(pull);
                    }
                    return Poll::Ready(Some(finished));
                }
                Look::Over => return Poll::Ready(None),
                Look::Pending => {}
            }
            if pulled >= tuning::POLLED {
                pull.waker().wake_by_ref();
                return Poll::Pending;
            }
            let fed = if pull.is_pending() { 0 } else { self.feed(usize::MAX, pull) };
            pulled += fed;
            if fed == 0 && self.is_to_wait(pull.waker(), &mut is_stored) {
                return Poll::Pending;
            }
        }
    }

    /// Has the next notification wake the task, but not a result.
    pub(crate) fn listen(&mut self, waker: &Waker) {
        self.awaited = true;
        self.notifier().set_task(Some(waker));
    }

    /// The consumer comes back, woken or not.
    fn wake_up(&mut self) {
        if self.awaited {
            self.awaited = false;
            self.watch_for(NOBODY);
            self.notifier().set_task(None);
        }
        self.come_back();
    }

    /// Goes one step towards waiting; true once the task will be woken. After each other step the
    /// consumer has to look again.
    fn is_to_wait(&mut self, waker: &Waker, is_stored: &mut bool) -> bool {
        if !*is_stored {
            *is_stored = true;
            self.awaited = true;
            self.notifier().set_task(Some(waker));
            return false;
        }
        matches!(self.watch(), Watch::On { .. })
    }

    fn notifier(&self) -> &Notifier {
        &self.bridge.consumer
    }
}
