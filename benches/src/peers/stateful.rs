//! State for crates that clone one closure to each thread.

use crate::work::Task;

/// A worker that is made at its first call, and whose clone is not made yet.
pub(crate) struct AtFirstCall<W>(Option<W>);

impl<W> Clone for AtFirstCall<W> {
    fn clone(&self) -> Self {
        Self(None)
    }
}

/// The closure that such a crate asks for.
pub(crate) fn closure<W: Task>() -> impl FnMut(W::In) -> W::Out + Clone + Send + 'static {
    let mut worker = AtFirstCall(None);
    move |item| {
        // All of the wrapper is captured, and with it its `Clone`.
        let worker: &mut AtFirstCall<W> = &mut worker;
        worker.0.get_or_insert_with(W::default).call(item)
    }
}
