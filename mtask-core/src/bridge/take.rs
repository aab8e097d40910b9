//! The consumer's side.

use super::{Bridge, Finished, Pulled};
use crate::sync::lock;

/// What the consumer finds.
enum Taken<O> {
    /// The next result.
    Ready(Finished<O>),
    /// Nothing yet.
    Pending,
    /// Nothing any more.
    Over,
}

impl<T, O> Bridge<T, O> {
    /// Waits for the next result; `None` is the end of the run.
    pub(crate) fn take(&self) -> Option<Finished<O>> {
        self.come_back();
        loop {
            match self.look(true) {
                Taken::Ready(finished) => return Some(finished),
                Taken::Over => return None,
                Taken::Pending => self.consumer.wait(),
            }
        }
    }

    /// Waits for the next result while the consumer feeds the bridge from a source of its own.
    ///
    /// A result that is there is given at once, after one pull where a worker would otherwise
    /// stand idle; else the window is filled before the consumer sleeps.
    pub(crate) fn take_and_feed(
        &self,
        mut pull: impl FnMut(usize) -> Pulled<T>,
    ) -> Option<Finished<O>> {
        self.come_back();
        loop {
            let hungry = self.hungry(self.plan.workers);
            match self.look(false) {
                Taken::Ready(finished) => {
                    if hungry {
                        self.feed(&mut pull);
                    }
                    return Some(finished);
                }
                Taken::Over => return None,
                Taken::Pending if self.hungry(usize::MAX) => self.feed(&mut pull),
                Taken::Pending => match self.look(true) {
                    Taken::Ready(finished) => return Some(finished),
                    Taken::Over => return None,
                    Taken::Pending => self.consumer.wait(),
                },
            }
        }
    }

    /// Pulls one item on the consumer's thread and gives it to the workers.
    pub(crate) fn feed(&self, pull: &mut impl FnMut(usize) -> Pulled<T>) {
        let index = lock(&self.state).pulled;
        let pulled = pull(index);
        let mut state = lock(&self.state);
        state.receive(pulled);
        self.release(state);
    }

    /// There is room for an item and fewer than `enough` are waiting to be claimed.
    pub(crate) fn hungry(&self, enough: usize) -> bool {
        let state = lock(&self.state);
        state.wants_item() && state.queue.len() < enough
    }

    /// Counts what was taken before as no longer in flight.
    fn come_back(&self) {
        let mut state = lock(&self.state);
        state.released = state.yielded;
        self.release(state);
    }

    /// Takes the next result if it is there. With `sleep`, the consumer is rung when to look
    /// again.
    fn look(&self, sleep: bool) -> Taken<O> {
        let mut state = lock(&self.state);
        if state.cancelled || self.consumer.is_cancelled() {
            return Taken::Over;
        }
        if state.unbuilt == 0
            && let Some((worker, error)) = state.build_error.take()
        {
            return Taken::Ready(Finished {
                index: None,
                worker: Some(worker),
                result: Err(error),
            });
        }
        if let Some(finished) = state.results.take() {
            state.yielded += 1;
            return Taken::Ready(finished);
        }
        if state.unbuilt == 0 && state.is_over() {
            return Taken::Over;
        }
        state.consumer_waits = sleep;
        Taken::Pending
    }
}
