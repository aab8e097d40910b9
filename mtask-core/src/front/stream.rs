//! Runs that are awaited: a stream in and out, or an iterator in and a stream out.

mod options;

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use futures_core::Stream;
use futures_core::stream::FusedStream;

use super::{ParStateful, State, specs_of};
use crate::backend::threads::{StreamSource, Streamed, Threads};
use crate::backend::{Backend, Finished, LaunchPolled};
use crate::messages::{SentOutput, SpecList, Takes};
use crate::{CancelHandle, Ended, Spec, Stats, TaskError, Worker};

/// The results of a [`ParStateful`] as a [`Stream`], for a consumer that awaits.
///
/// Made by [`par_stateful_stream`] and by [`ParStateful::into_stream`]. It keeps what the iterator
/// promises: one item for each input, in input order unless [`unordered`](Self::unordered), a bound,
/// nothing before the first poll, every failure accounted for. There is no executor behind it: the workers
/// have their threads, and wake the task that polls.
///
/// Dropping it early cancels, and **joins the threads**: what is in hand finishes, and the thread that
/// drops is held up until then. In async code set a [`shutdown_timeout`](Self::shutdown_timeout) where
/// items take long, or drop it by `spawn_blocking`. The same goes for the last poll, which gives `None`,
/// though nothing is left to wait for there but the workers' destructors.
///
/// # Panics
///
/// A poll panics where the source does, with the source's own payload, once everything pulled before has
/// been yielded and the workers have ended.
///
/// # Examples
///
/// ```
/// use futures_util::{StreamExt, stream};
/// use mtask::{Spec, par_stateful_stream, worker_fn};
///
/// # futures_executor::block_on(async {
/// let names = stream::iter(["one", "three"]); // or what comes from an object store
/// let specs = worker_fn(|name: &str| name.len()).times(4);
/// let mut results = par_stateful_stream(names, specs).max_in_flight(100);
/// while let Some(length) = results.next().await {
///     println!("{}", length?);
/// }
/// # Ok::<(), mtask::TaskError>(())
/// # })?;
/// # Ok::<(), mtask::TaskError>(())
/// ```
#[must_use = "a run is lazy: nothing is pulled, spawned or built until it is polled"]
pub struct ParStatefulAsync<I, S, W, B = Threads>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: Backend,
{
    run: ParStateful<I, S, W, B>,
    /// When the consumer began to wait for what it waits for.
    asked: Option<Instant>,
}

/// A run over a stream; made by [`par_stateful_stream`].
pub type ParStatefulStream<St, S, W> = ParStatefulAsync<StreamSource<St>, S, W, Streamed>;

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
    let source = StreamSource::new(stream);
    ParStateful::new(source, specs_of(specs), Streamed::default()).into_stream()
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
    B: LaunchPolled<I, S, W>,
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
    #[track_caller]
    pub fn into_stream(mut self) -> ParStatefulAsync<I, S, W, B> {
        self.plan("into_stream").options.polled = true;
        ParStatefulAsync { run: self, asked: None }
    }
}

impl<I, S, W, B> ParStateful<I, S, W, B>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: LaunchPolled<I, S, W>,
{
    /// The next result, with where it comes from; `asked` is when the task began to wait for it.
    fn poll_task(
        &mut self,
        task: &mut Context<'_>,
        asked: &mut Option<Instant>,
    ) -> Poll<Option<Finished<W::Output>>> {
        if asked.is_none()
            && let Some(finished) = self.ready_task()
        {
            return Poll::Ready(Some(finished));
        }
        let since = *asked.get_or_insert_with(Instant::now);
        if let State::Ready(_) = self.state {
            // Eager: the source is not asked for its first item here, where it must not block.
            self.launch(true);
        }
        let next = match &mut self.state {
            State::Running(run) => ready!(B::poll(run, task)),
            _ => return Poll::Ready(None),
        };
        *asked = None;
        Poll::Ready(self.settle(next, since))
    }
}

/// Nothing in it is pinned: a source that has to stay where it is has a box of its own.
impl<I, S, W, B> Unpin for ParStatefulAsync<I, S, W, B>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: Backend,
{
}

impl<I, S, W, B> Stream for ParStatefulAsync<I, S, W, B>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: LaunchPolled<I, S, W>,
{
    type Item = Result<W::Output, TaskError>;

    fn poll_next(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { run, asked } = self.get_mut();
        run.poll_task(task, asked).map(|finished| Some(finished?.result))
    }

    /// The items still to be yielded, those in flight included.
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.run.tasks_hint()
    }
}

impl<I, S, W, B> FusedStream for ParStatefulAsync<I, S, W, B>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: LaunchPolled<I, S, W>,
{
    fn is_terminated(&self) -> bool {
        self.run.has_ended()
    }
}

impl<I, S, W, B> ParStatefulAsync<I, S, W, B>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: Backend,
{
    /// True once a poll has given `None` and nothing is left running: see [`ParStateful::is_finished`].
    pub fn is_finished(&self) -> bool {
        self.run.is_finished()
    }

    /// How the run ended; `None` until a poll has given `None`: see [`ParStateful::ended`].
    pub fn ended(&self) -> Option<Ended> {
        self.run.ended()
    }

    /// A handle that ends this run in order, from anywhere; a task that waits is woken. See
    /// [`CancelHandle`].
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_util::{StreamExt, stream};
    /// use mtask::{Spec, par_stateful_stream, worker_fn};
    ///
    /// # futures_executor::block_on(async {
    /// let specs = worker_fn(|x: u32| x).times(2);
    /// let mut results = par_stateful_stream(stream::iter(0..), specs);
    /// let handle = results.cancel_handle(); // for a task that waits for Ctrl-C
    /// assert_eq!(results.next().await.unwrap().unwrap(), 0);
    /// handle.cancel();
    /// let rest: Vec<u32> = results.map(Result::unwrap).collect().await;
    /// assert!(rest.iter().copied().eq(1..1 + rest.len() as u32)); // what had been pulled
    /// # });
    /// ```
    pub fn cancel_handle(&self) -> CancelHandle {
        self.run.cancel_handle()
    }
}

impl<I, S, W, B> ParStatefulAsync<I, S, W, B>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: LaunchPolled<I, S, W>,
{
    /// What happened so far; after the end, in all of the run. As [`ParStateful::stats`], where the
    /// consumer's waiting is from the poll that gave nothing to the one that did.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_util::{StreamExt, stream};
    /// use mtask::{Spec, par_stateful_stream, worker_fn};
    ///
    /// # futures_executor::block_on(async {
    /// let specs = worker_fn(|x: u32| x).times(2);
    /// let mut results = par_stateful_stream(stream::iter(0..10), specs);
    /// while results.next().await.is_some() {}
    /// assert_eq!(results.stats().yielded, 10);
    /// # });
    /// ```
    pub fn stats(&self) -> Stats {
        self.run.stats()
    }
}

impl<I, S, W, B> fmt::Debug for ParStatefulAsync<I, S, W, B>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: Backend,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ParStatefulAsync").field(&self.run).finish()
    }
}
