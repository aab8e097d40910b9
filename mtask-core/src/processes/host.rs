//! The parent's side of one worker.

use std::io::{self, BufReader, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{self, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;

use super::batch::Batch;
use super::child::{Hello, NAME, NotBuilt, Panic, Status};
use super::frame::{self, Kind, VERSION};
use super::settings::Settings;
use crate::TaskError;
use crate::stats::Counters;
use crate::sync::{Arc, Condvar, Mutex, lock, wait};

/// Failed builds in a row after which a worker is retired.
const MAX_FAILED_BUILDS: usize = 3;
/// How long a read lasts at the most before it is looked at the clock.
const SLICE: Duration = Duration::from_millis(50);

/// One worker: what it is built from, and the child it is in.
pub(super) struct Host {
    pub(super) number: usize,
    /// The name of the worker.
    worker: &'static str,
    spec: Vec<u8>,
    settings: Arc<Settings>,
    counters: Arc<Counters>,
    state: Mutex<State>,
    /// Items are cheap enough for two frames under way; where the second lane sleeps.
    cheap: Mutex<Gate>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    child: Option<Arc<Child>>,
    /// Failed builds since the last success.
    failures: usize,
    /// When children were started that took the place of one that died.
    restarts: Vec<Instant>,
    /// Why there will be no more of them.
    retired: Option<Box<str>>,
}

#[derive(Default)]
struct Gate {
    cheap: bool,
    over: bool,
    lanes: usize,
}

/// A process that has built the worker.
struct Child {
    process: Mutex<process::Child>,
    stream: UnixStream,
    input: Mutex<BufReader<UnixStream>>,
    /// How many frames have been sent.
    sent: AtomicU64,
    /// Whose turn it is to read: the number of its frame.
    turn: Mutex<u64>,
    turned: Condvar,
    lost: AtomicBool,
}

/// How it ended with some items.
enum End {
    /// All are answered.
    Answered,
    /// The child died before it came to them.
    NotBegun,
    /// The child died at them.
    Lost(ExitStatus),
    /// The child was killed at them, for the time they took.
    TimedOut,
}

/// Why there is no child to send to.
enum NoChild {
    /// It could not be built, or not in time: the error of the item in hand.
    Failed(Box<dyn FnOnce(Option<usize>) -> TaskError>),
    /// There will be none any more.
    Retired(Box<str>),
}

impl Host {
    /// Has the batch run and gives the result of each item, in order.
    pub(super) fn run<O: DeserializeOwned>(
        &self,
        batch: &mut Batch,
        mut publish: impl FnMut(Result<O, TaskError>),
    ) {
        let mut most = if self.settings.task_timeout.is_some() { 1 } else { usize::MAX };
        while let Some(index) = batch.index() {
            if let Some(error) = batch.take_error() {
                publish(Err(error));
                continue;
            }
            let (child, ticket, count) = match self.send(batch, most) {
                Ok(sent) => sent,
                Err(reason) => {
                    publish(Err(match reason {
                        NoChild::Failed(error) => error(Some(index)),
                        NoChild::Retired(last) => TaskError::no_worker_left(index, Some(last)),
                    }));
                    batch.answer();
                    continue;
                }
            };
            let mut left = count;
            let end = child.receive(ticket, &mut left, self.settings.task_timeout, |status, bytes| {
                self.answer(batch, status, bytes, &mut publish)
            });
            let (error, index) = match (end, batch.index()) {
                (End::Answered, _) | (_, None) => continue,
                (End::NotBegun, _) => {
                    self.lose(&child);
                    continue;
                }
                (End::Lost(status), Some(index)) => {
                    self.lose(&child);
                    if left > 1 {
                        // One of them is guilty, and nobody knows which.
                        most = 1;
                        continue;
                    }
                    (TaskError::worker_lost(index, self.number, status), index)
                }
                (End::TimedOut, Some(index)) => {
                    self.lose(&child);
                    let limit = self.settings.task_timeout.unwrap_or_default();
                    (TaskError::timed_out(index, self.number, limit), index)
                }
            };
            let _ = index;
            publish(Err(error));
            batch.answer();
        }
    }

    /// Publishes what a child tells of the next item; false where the child has not run it.
    fn answer<O: DeserializeOwned>(
        &self,
        batch: &mut Batch,
        status: Status,
        bytes: &[u8],
        publish: &mut impl FnMut(Result<O, TaskError>),
    ) -> bool {
        let Some(index) = batch.index() else { return false };
        let unreadable = |error| {
            TaskError::not_sent(index, self.number, format!("its output cannot be decoded: {error}"))
        };
        let result = match status {
            Status::NotRun => return false,
            Status::Done => postcard::from_bytes(bytes).map_err(unreadable),
            Status::Panicked => Err(match postcard::from_bytes::<Panic>(bytes) {
                Ok(panic) => {
                    Counters::count(&self.counters.panics);
                    TaskError::panicked_elsewhere(index, self.number, panic.message, panic.location)
                }
                Err(error) => unreadable(error),
            }),
            Status::NotBuilt => Err(match postcard::from_bytes::<NotBuilt>(bytes) {
                Ok(reason) => {
                    self.failed(&mut lock(&self.state), &reason);
                    reason.into_error(Some(index), self.number)
                }
                Err(error) => unreadable(error),
            }),
            Status::NotSent => Err(match postcard::from_bytes::<String>(bytes) {
                Ok(reason) => TaskError::not_sent(index, self.number, reason),
                Err(error) => unreadable(error),
            }),
        };
        publish(result);
        batch.answer();
        true
    }

    /// Sends the next items to the child, which is started where there is none.
    fn send(&self, batch: &Batch, most: usize) -> Result<(Arc<Child>, u64, usize), NoChild> {
        let mut state = lock(&self.state);
        loop {
            let child = match &state.child {
                Some(child) if child.is_alive() => Arc::clone(child),
                _ => self.start(&mut state)?,
            };
            let (count, bytes) = batch.next(most);
            let ticket = child.sent.fetch_add(1, Ordering::Relaxed);
            if frame::write(&child.stream, Kind::Work, bytes).is_ok() {
                return Ok((child, ticket, count));
            }
            // It has died, and what it was sent last has not been begun.
            child.end();
            state.child = None;
        }
    }
}

impl Host {
    /// Starts a child and has it build the worker.
    fn start(&self, state: &mut State) -> Result<Arc<Child>, NoChild> {
        if let Some(last) = &state.retired {
            return Err(NoChild::Retired(last.clone()));
        }
        let begun = self.spawn().and_then(|child| Ok((child.greet(self)?, child)));
        let (number, limit) = (self.number, self.settings.build_timeout);
        let (text, error): (String, Box<dyn FnOnce(Option<usize>) -> TaskError>) = match begun {
            Ok((Greeted::Ready, child)) => {
                state.failures = 0;
                Counters::count(&self.counters.builds);
                let child = Arc::new(child);
                state.child = Some(Arc::clone(&child));
                return Ok(child);
            }
            Ok((Greeted::NotBuilt(reason), child)) => {
                child.end();
                (reason.to_string(), Box::new(move |index| reason.into_error(index, number)))
            }
            Ok((Greeted::TimedOut, child)) => {
                child.kill();
                let limit = limit.unwrap_or_default();
                let text = format!("its build took longer than {limit:?}");
                (text, Box::new(move |index| TaskError::build_timed_out(index, number, limit)))
            }
            Ok((Greeted::Lost, child)) => {
                let status = child.kill();
                let text = format!("its process ended while it was built: {status}");
                (text, Box::new(move |index| TaskError::build_lost(index, number, status)))
            }
            Err(error) => {
                let text = format!("no process could be started: {error}");
                (text, Box::new(move |_| TaskError::start_failed(number, error)))
            }
        };
        self.failed(state, text);
        Err(NoChild::Failed(error))
    }

    /// Counts a build that failed, and retires the worker at the third in a row.
    fn failed(&self, state: &mut State, text: String) {
        Counters::count(&self.counters.failed_builds);
        state.failures += 1;
        if state.failures >= MAX_FAILED_BUILDS && state.retired.is_none() {
            Counters::count(&self.counters.retired);
            state.retired = Some(text.into());
        }
    }

    /// Takes note of a child that died, and retires the worker if that happens too often.
    fn lose(&self, child: &Arc<Child>) {
        let mut state = lock(&self.state);
        if !state.child.as_ref().is_some_and(|it| Arc::ptr_eq(it, child)) {
            return;
        }
        state.child = None;
        let Some((most, within)) = self.settings.max_restarts else { return };
        let now = Instant::now();
        state.restarts.retain(|&at| now - at < within);
        state.restarts.push(now);
        if state.restarts.len() > most {
            Counters::count(&self.counters.retired);
            let text = format!("its process died {} times within {within:?}", state.restarts.len());
            state.retired = Some(text.into());
        }
    }

    fn spawn(&self) -> io::Result<Child> {
        let (ours, theirs) = UnixStream::pair()?;
        let mut command = Command::new(super::program()?);
        command
            .arg0(NAME)
            .args(super::entry_args())
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            // What a worker prints is to be seen, and not to be taken for the program's output.
            .stdout(Stdio::from(io::stderr().as_fd().try_clone_to_owned()?))
            // Ctrl-C is for the parent, whose end ends the child.
            .process_group(0);
        self.settings.apply(self.number, &mut command);
        let process = command.spawn()?;
        Ok(Child::new(process, ours))
    }
}
