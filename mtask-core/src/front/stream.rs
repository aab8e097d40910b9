//! Runs that are awaited: a stream in and out, or an iterator in and a stream out.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use futures_core::Stream;
use futures_core::stream::FusedStream;

use super::{ParStateful, State, specs_of};
use crate::backend::threads::Threads;
use crate::backend::{Awaited, Backend, Concurrent, Finished, LaunchPolled, PolledRun};
use crate::backend::{StreamSource, Streamed};
use crate::messages::{SentOutput, SpecList, Takes};
use crate::{Spec, TaskError, Worker};

/// A run over a stream; made by [`par_stateful_stream`].
#[cfg_attr(mtask_docs, doc(cfg(feature = "stream")))]
pub type ParStatefulStream<St, S, W, B = Threads> =
    ParStateful<StreamSource<St>, S, W, Streamed<B>>;

/// Maps a stream through stateful workers, one for each spec, in threads: as
/// [`par_stateful`](crate::par_stateful) does with an iterator.
///
/// The stream is polled by the task that polls the results, and by it alone: enough to keep the workers
/// busy, and no more than the window. It need be neither `Send` nor `Unpin`. The threads are started when
/// its first item is there. Results are given as they come, also while the stream has nothing for long.
///
/// A worker that blocks holds up its own thread and nobody else. One that has to await something may
/// block on its runtime's handle, such as `tokio::runtime::Handle::block_on`.
///
/// # Panics
///
/// Where there is no spec.
///
/// # Examples
///
/// ```
/// use futures_util::{TryStreamExt, stream};
/// use mtask::{Spec, par_stateful_stream, worker_fn};
///
/// # futures_executor::block_on(async {
/// let specs = worker_fn(|x: u64| x * x).times(4);
/// let squares: Vec<u64> = par_stateful_stream(stream::iter(1..=5), specs).try_collect().await?;
/// assert_eq!(squares, [1, 4, 9, 16, 25]);
/// # Ok::<(), mtask::TaskError>(())
/// # })?;
/// # Ok::<(), mtask::TaskError>(())
/// ```
#[cfg_attr(mtask_docs, doc(cfg(feature = "stream")))]
#[track_caller]
pub fn par_stateful_stream<St, S, W>(
    stream: St,
    specs: impl SpecList<S>,
) -> ParStatefulStream<St, S, W>
where
    St: Stream,
    St::Item: Send + 'static,
    S: Spec<W> + 'static,
    W: Worker + Takes<St::Item, <W as Worker>::Input> + Worker<Input = St::Item>,
    W::Output: SentOutput + 'static,
{
    let backend = Streamed(Threads::new());
    let mut run = ParStateful::new(StreamSource::new(stream), specs_of(specs), backend);
    run.plan("into_stream").options.polled = true;
    run
}

/// [`par_stateful_stream`] as a method of every stream.
///
/// # Examples
///
/// ```
/// use futures_util::{StreamExt, stream};
/// use mtask::{ParStatefulStreamExt, Spec, worker_fn};
///
/// let lengths = stream::iter(["a", "bc"])
///     .par_stateful_stream(worker_fn(|word: &str| word.len()).times(2))
///     .map(Result::unwrap);
/// assert_eq!(futures_executor::block_on(lengths.collect::<Vec<_>>()), [1, 2]);
/// ```
#[cfg_attr(mtask_docs, doc(cfg(feature = "stream")))]
pub trait ParStatefulStreamExt: Stream + Sized {
    /// As the function [`par_stateful_stream`].
    ///
    /// # Panics
    ///
    /// Where there is no spec.
    #[track_caller]
    fn par_stateful_stream<S, W>(self, specs: impl SpecList<S>) -> ParStatefulStream<Self, S, W>
    where
        Self::Item: Send + 'static,
        S: Spec<W> + 'static,
        W: Worker + Takes<Self::Item, <W as Worker>::Input> + Worker<Input = Self::Item>,
        W::Output: SentOutput + 'static,
    {
        par_stateful_stream(self, specs)
    }
}

impl<St: Stream> ParStatefulStreamExt for St {}

impl<I, S, W, B> ParStateful<I, S, W, B>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: Backend,
{
    /// The results as a [`Stream`], for a consumer that awaits, over a source that is an iterator.
    ///
    /// The source may block: the workers pull it, in their threads, and the task that polls is only woken.
    /// So this is also the way to read files or a database in async code. Not for a source that stays with
    /// the consumer ([`par_stateful_local`](crate::par_stateful_local)).
    ///
    /// # Panics
    ///
    /// Once the run has started, as options do.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_util::StreamExt;
    /// use mtask::par_map;
    ///
    /// # futures_executor::block_on(async {
    /// let mut lengths = par_map(["a", "bc"], 2, |word: &str| word.len()).into_stream();
    /// let mut sum = 0;
    /// while let Some(length) = lengths.next().await {
    ///     sum += length?;
    /// }
    /// assert_eq!(sum, 3);
    /// # Ok::<(), mtask::TaskError>(())
    /// # })?;
    /// # Ok::<(), mtask::TaskError>(())
    /// ```
    #[cfg_attr(mtask_docs, doc(cfg(feature = "stream")))]
    #[track_caller]
    pub fn into_stream(mut self) -> ParStateful<I, S, W, Awaited<B>>
    where
        B: Concurrent,
        Awaited<B>: LaunchPolled<I, S, W>,
    {
        self.plan("into_stream").options.polled = true;
        self.replan(|specs, backend| (specs, Awaited(backend)))
    }
}

impl<I, S, W, B> ParStateful<I, S, W, B>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: LaunchPolled<I, S, W>,
{
    /// The next result, with where it comes from.
    pub(crate) fn poll_task(
        &mut self,
        task: &mut Context<'_>,
    ) -> Poll<Option<Finished<W::Output>>> {
        let ready = if self.account.times.asked.is_none() { self.ready_task() } else { None };
        if ready.is_some() {
            return Poll::Ready(ready);
        }
        let since = *self.account.times.asked.get_or_insert_with(Instant::now);
        if let State::Ready(_) = self.state {
            self.launch(false);
        }
        let next = match &mut self.state {
            State::Running(run) => ready!(run.poll(task)),
            _ => return Poll::Ready(None),
        };
        self.account.times.asked = None;
        Poll::Ready(self.settle(next, since))
    }
}

/// Nothing in it is pinned: a stream that has to stay where it is has a box of its own.
impl<I, S, W, B> Unpin for ParStateful<I, S, W, B>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: Backend,
{
}

/// There is no executor behind it: the workers have their threads, and wake the task that polls. What the iterator
/// promises it keeps.
///
/// Dropping it early cancels, and **joins the threads**: what is in progress finishes, and the thread that
/// drops is held up until then. In async code set a [`shutdown_timeout`](ParStateful::shutdown_timeout) where
/// items take long, or drop it by `spawn_blocking`. The same goes for the last poll, which gives `None`,
/// though nothing is left to wait for there but the workers' destructors.
///
/// # Panics
///
/// A poll panics where the source does, with the source's own payload, once everything pulled before has
/// been yielded and the workers have ended.
impl<I, S, W, B> Stream for ParStateful<I, S, W, B>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: LaunchPolled<I, S, W>,
{
    type Item = Result<W::Output, TaskError>;

    fn poll_next(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_task(task).map(|finished| Some(finished?.result))
    }

    /// The items still to be yielded, those in flight included.
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.tasks_hint()
    }
}

impl<I, S, W, B> FusedStream for ParStateful<I, S, W, B>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: LaunchPolled<I, S, W>,
{
    fn is_terminated(&self) -> bool {
        self.has_ended()
    }
}
