//! A bridge as text: what a run that hangs is waiting for.
//!
//! Nothing here waits: what is locked at the moment is said to be.

use std::fmt;
use std::ops::Range;

use super::signals::{ANYTHING, NOBODY, Signals};
use super::state::{Held, Span, State};
use super::{Bridge, Notifier};
use crate::sync::{AtomicUsize, Ordering, try_lock};

impl<T, O> fmt::Debug for Bridge<T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = f.debug_struct("Bridge");
        all.field("plan", &self.plan).field("signals", &self.signals);
        match try_lock(&self.state) {
            Some(state) => {
                all.field("state", &*state);
                let workers = (0..self.plan.workers).map(|worker| {
                    let hand = self.hands[worker].range();
                    state.held(worker).map(|held| Working { state: &state, held, hand })
                });
                all.field("workers", &workers.collect::<Vec<_>>());
            }
            None => _ = all.field("state", &Locked),
        }
        let spares = try_lock(&self.spares).map(|spares| spares.len());
        all.field("spares", &OrLocked(spares)).field("consumer", &self.consumer).finish()
    }
}

/// What is locked at the moment.
struct Locked;

impl fmt::Debug for Locked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<locked>")
    }
}

struct OrLocked<T>(Option<T>);

impl<T: fmt::Debug> fmt::Debug for OrLocked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(f),
            None => Locked.fmt(f),
        }
    }
}

impl fmt::Debug for Signals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let load = |signal: &AtomicUsize| signal.load(Ordering::Relaxed);
        let mut all = f.debug_struct("Signals");
        all.field("limit", &load(&self.room.limit)).field("window", &load(&self.room.window));
        all.field("asleep", &load(&self.asleep)).field("item_ns", &load(&self.item_ns)).finish()
    }
}

impl<T, O> fmt::Debug for State<T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("pulled", &self.pulled())
            .field("claimable", &self.claimable())
            .field("spans", &self.spans)
            .field("fresh", &self.fresh)
            .field("claims", &self.claims)
            .field("running", &self.running)
            .field("quick", &self.quick)
            .field("unsure", &self.unsure)
            .field("in_source", &self.in_source)
            .field("at_work_on", &self.at_work_on())
            .field("quick_turn", &self.quick_turn)
            .field("source_ended", &self.source_ended)
            .field("source_panic", &self.source_panic.is_some())
            .field("stop", &self.stop)
            .field("cancelled", &self.cancelled)
            .field("closed", &self.closed)
            .field("active", &self.active)
            .field("away", &self.away)
            .field("unbuilt", &self.unbuilt)
            .field("build_error", &self.build_error)
            .field("idle", &self.idle)
            .field("woken", &self.woken)
            .field("napping", &self.napping)
            .finish_non_exhaustive()
    }
}

/// The indices of its items.
impl<T, O> fmt::Debug for Span<T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let base = self.block.base();
        (base + self.start..base + self.end).fmt(f)
    }
}

/// A worker with a claim, by the indices of its items.
struct Working<'s, T, O> {
    state: &'s State<T, O>,
    held: &'s Held<T, O>,
    hand: Range<usize>,
}

impl<T, O> Working<'_, T, O> {
    /// The items of the claim that are begun and not done, as far as their places say so: with debug
    /// assertions. Without those of a later claim, whose worker has stolen them.
    fn begun(&self) -> Vec<usize> {
        let is_stolen = |at: usize| {
            self.state.all_held().any(|other| {
                other.since > self.held.since
                    && std::ptr::eq(&*other.block, &*self.held.block)
                    && (other.start..other.end).contains(&at)
            })
        };
        let begun = self.held.block.begun(self.held.start, self.held.end);
        begun.filter(|&at| !is_stolen(at)).map(|at| self.held.block.base() + at).collect()
    }
}

impl<T, O> fmt::Debug for Working<'_, T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let base = self.held.block.base();
        let indices = |places: &Range<usize>| base + places.start..base + places.end;
        let hand = Some(&self.hand).filter(|hand| !hand.is_empty());
        f.debug_struct("Working")
            .field("claim", &indices(&(self.held.start..self.held.end)))
            .field("hand", &hand.map(indices))
            .field("begun", &self.begun())
            .field("quick", &self.held.quick)
            .field("built", &!self.held.unsure)
            .field("age", &self.state.age(self.held))
            .finish()
    }
}

impl fmt::Debug for Notifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = f.debug_struct("Notifier");
        all.field("notified", &OrLocked(try_lock(&self.notified).map(|notified| *notified)));
        #[cfg(feature = "stream")]
        all.field("task", &OrLocked(try_lock(&self.task).map(|task| task.is_some())));
        all.field("cancelled", &self.is_cancelled())
            .field("closed", &self.is_closed())
            .field("aborted", &self.is_aborted());
        let load = |signal: &AtomicUsize| signal.load(Ordering::Relaxed);
        match load(&self.wishes.halt) {
            usize::MAX => all.field("halt", &None::<usize>),
            halt => all.field("halt", &Some(halt)),
        };
        match load(&self.wishes.watch) {
            NOBODY => all.field("watch", &format_args!("nobody")),
            ANYTHING => all.field("watch", &format_args!("anything")),
            index => all.field("watch", &index),
        };
        all.field("stops", &self.wishes.stops.load(Ordering::Relaxed))
            .field("hungry", &self.hungry.load(Ordering::Relaxed))
            .finish()
    }
}
