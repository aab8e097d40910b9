//! Where results go: the consumer of a run.

use std::ops::ControlFlow;

/// An item that a peer reports as failed, where it reports failures.
pub(crate) struct Failure {
    /// The position of the item, where the peer tells it.
    pub(crate) index: Option<usize>,
    pub(crate) message: String,
}

/// The consumer of a run, on the thread that called the peer.
pub(crate) trait Sink<O> {
    /// Takes the next result, and says whether it wants more.
    fn item(&mut self, out: O) -> ControlFlow<()>;

    /// Takes a failure. No workload but one has any, so that it stops the measurement.
    fn failed(&mut self, failure: Failure) -> ControlFlow<()> {
        panic!("item {:?} failed: {}", failure.index, failure.message)
    }
}

/// Hands results over until the sink has enough.
pub(crate) fn drain<O>(outs: impl IntoIterator<Item = O>, sink: &mut impl Sink<O>) {
    let _ = outs.into_iter().try_for_each(|out| sink.item(out));
}

/// Counts and sums results, and counts those that are not where they belong.
pub(crate) struct Tally<P> {
    /// The value of a result, and whether it belongs at this position.
    read: P,
    pub(crate) items: u64,
    pub(crate) sum: u64,
    pub(crate) misplaced: u64,
}

impl<P> Tally<P> {
    pub(crate) fn new(read: P) -> Self {
        Self { read, items: 0, sum: 0, misplaced: 0 }
    }
}

impl<O, P: FnMut(u64, O) -> (u64, bool)> Sink<O> for Tally<P> {
    #[inline]
    fn item(&mut self, out: O) -> ControlFlow<()> {
        let (value, in_place) = (self.read)(self.items, out);
        self.items += 1;
        self.sum = self.sum.wrapping_add(value);
        self.misplaced += u64::from(!in_place);
        ControlFlow::Continue(())
    }
}
