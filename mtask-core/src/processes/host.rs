//! The parent's side of one worker.

use std::io::{self, Read};
use std::net::Shutdown;
use std::ops::Range;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{self, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;

use super::batch::Batch;
use super::child::{Hello, NAME, NotBuilt, Panic, Status};
use super::frame::{self, Kind, VERSION};
use super::lane::LANES;
use super::remote::RemoteSpec;
use super::settings::Settings;
use crate::{BuildError, TaskError, Worker};
use crate::stats::Counters;
use crate::sync::{Arc, Condvar, Mutex, lock, wait};

/// Failed builds in a row after which a worker is retired.
const MAX_FAILED_BUILDS: usize = 3;
/// How long a read lasts at the most before it is looked at the clock.
const SLICE: Duration = Duration::from_millis(50);
/// How often it is looked whether a process has ended.
const POLL: Duration = Duration::from_millis(2);
/// The most bytes of a read, where a frame is not larger.
const READ: usize = 64 * 1024;

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
    gate: Mutex<Gate>,
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
    incoming: Mutex<Incoming>,
    /// How many frames have been sent.
    sent: AtomicU64,
    /// Whose turn it is to read: the number of its frame.
    turn: Mutex<u64>,
    turned: Condvar,
    lost: AtomicBool,
}

/// Why no frame came.
enum Broken {
    Lost,
    TimedOut,
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
        cancelled: &dyn Fn() -> bool,
        mut publish: impl FnMut(Result<O, TaskError>),
    ) -> Option<(Duration, usize)> {
        let mut pace = None;
        let mut most = if self.settings.task_timeout.is_some() { 1 } else { usize::MAX };
        while let Some(index) = batch.index() {
            if let Some(error) = batch.take_error() {
                publish(Err(error));
                continue;
            }
            if cancelled() {
                // Nobody will ask for it, but a place that was claimed has to be given back.
                publish(Err(TaskError::no_worker_left(index, None)));
                batch.answer();
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
            let start = Instant::now();
            let end = child.receive(ticket, &mut left, &self.settings, cancelled, |status, bytes| {
                self.answer(batch, status, bytes, &mut publish)
            });
            let (error, index) = match (end, batch.index()) {
                (End::Answered, _) | (_, None) => {
                    pace = Some((start.elapsed(), count));
                    continue;
                }
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
                    (TaskError::lost(Some(index), self.number, status, false), index)
                }
                (End::TimedOut, Some(index)) => {
                    self.lose(&child);
                    let limit = self.settings.task_timeout.unwrap_or_default();
                    (TaskError::timed_out(Some(index), self.number, limit, false), index)
                }
            };
            let _ = index;
            publish(Err(error));
            batch.answer();
        }
        pace
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
                    self.failed(&mut lock(&self.state), reason.to_string());
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
            child.end(self.settings.shutdown_timeout);
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
                child.end(self.settings.shutdown_timeout);
                (reason.to_string(), Box::new(move |index| reason.into_error(index, number)))
            }
            Ok((Greeted::TimedOut, child)) => {
                child.kill();
                let limit = limit.unwrap_or_default();
                let text = format!("its build took longer than {limit:?}");
                (text, Box::new(move |index| TaskError::timed_out(index, number, limit, true)))
            }
            Ok((Greeted::Lost, child)) => {
                let status = child.kill();
                let text = format!("its process ended while it was built: {status}");
                (text, Box::new(move |index| TaskError::lost(index, number, status, true)))
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

/// How a child answered to a hello.
enum Greeted {
    Ready,
    NotBuilt(NotBuilt),
    TimedOut,
    Lost,
}

/// What arrives from a child, whole frames and the beginning of the next.
struct Incoming {
    bytes: Vec<u8>,
    /// Where the next frame begins.
    start: usize,
}

impl Incoming {
    /// The next frame, if all of it is there.
    fn take(&mut self, max: usize) -> io::Result<Option<(Kind, Range<usize>)>> {
        let Some((kind, length)) = frame::head(&self.bytes[self.start..], max)? else {
            return Ok(None);
        };
        let body = self.start + frame::HEAD..self.start + frame::HEAD + length;
        if self.bytes.len() < body.end {
            return Ok(None);
        }
        self.start = body.end;
        Ok(Some((kind, body)))
    }

    /// Reads what there is.
    fn fill(&mut self, mut stream: &UnixStream) -> io::Result<()> {
        if self.start == self.bytes.len() {
            self.bytes.clear();
        } else {
            self.bytes.drain(..self.start);
        }
        self.start = 0;
        let filled = self.bytes.len();
        self.bytes.resize((2 * filled).max(READ), 0);
        let read = stream.read(&mut self.bytes[filled..]);
        self.bytes.truncate(filled + *read.as_ref().unwrap_or(&0));
        match read {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Counts time while the program runs: what passes while it is stopped does not count.
struct Clock {
    limit: Option<Duration>,
    passed: Duration,
    last: Instant,
}

impl Clock {
    fn start(limit: Option<Duration>) -> Self {
        Self { limit, passed: Duration::ZERO, last: Instant::now() }
    }

    /// How long to wait before the clock is looked at again.
    ///
    /// # Errors
    ///
    /// Where the time is over.
    fn slice(&mut self) -> Result<Duration, ()> {
        let Some(limit) = self.limit else { return Ok(SLICE) };
        let now = Instant::now();
        // Longer than two slices is a time in which nothing ran here.
        self.passed += (now - self.last).min(2 * SLICE);
        self.last = now;
        match limit.checked_sub(self.passed) {
            Some(left) if !left.is_zero() => Ok(left.min(SLICE)),
            _ => Err(()),
        }
    }
}

impl Child {
    fn new(process: process::Child, stream: UnixStream) -> Self {
        Self {
            process: Mutex::new(process),
            stream,
            incoming: Mutex::new(Incoming { bytes: Vec::new(), start: 0 }),
            sent: AtomicU64::new(0),
            turn: Mutex::new(0),
            turned: Condvar::new(),
            lost: AtomicBool::new(false),
        }
    }

    /// The next frame, in time.
    fn next(
        &self,
        incoming: &mut Incoming,
        clock: &mut Clock,
        max: usize,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<(Kind, Range<usize>), Broken> {
        loop {
            if let Some(frame) = incoming.take(max).map_err(|_| Broken::Lost)? {
                return Ok(frame);
            }
            let slice = clock.slice().map_err(|()| Broken::TimedOut)?;
            self.stream.set_read_timeout(Some(slice)).map_err(|_| Broken::Lost)?;
            match incoming.fill(&self.stream) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if cancelled() {
                        // It ends when it is through with the item in hand.
                        let _ = self.stream.shutdown(Shutdown::Write);
                    }
                }
                Err(_) => return Err(Broken::Lost),
            }
        }
    }

    /// Says hello and waits for the worker to be built.
    fn greet(&self, host: &Host) -> io::Result<Greeted> {
        let settings = &host.settings;
        let hello = Hello {
            version: VERSION,
            worker: host.worker.to_owned(),
            spec: host.spec.clone(),
            max_frame: settings.max_frame,
            memory_limit: settings.memory_limit,
            nice: settings.nice,
        };
        let hello = postcard::to_stdvec(&hello).map_err(io::Error::other)?;
        if frame::write(&self.stream, Kind::Hello, &hello).is_err() {
            return Ok(Greeted::Lost);
        }
        let mut incoming = lock(&self.incoming);
        let mut clock = Clock::start(settings.build_timeout);
        Ok(match self.next(&mut incoming, &mut clock, settings.max_frame, &|| false) {
            Ok((Kind::Ready, _)) => Greeted::Ready,
            Ok((Kind::NotBuilt, body)) => match postcard::from_bytes(&incoming.bytes[body]) {
                Ok(reason) => Greeted::NotBuilt(reason),
                Err(_) => Greeted::Lost,
            },
            Ok(_) | Err(Broken::Lost) => Greeted::Lost,
            Err(Broken::TimedOut) => Greeted::TimedOut,
        })
    }

    /// Waits for the results of a frame, and gives each to `each`, which says whether it was one.
    fn receive(
        &self,
        ticket: u64,
        left: &mut usize,
        settings: &Settings,
        cancelled: &dyn Fn() -> bool,
        mut each: impl FnMut(Status, &[u8]) -> bool,
    ) -> End {
        let mut turn = lock(&self.turn);
        while *turn != ticket && !self.lost.load(Ordering::Relaxed) {
            turn = wait(&self.turned, turn);
        }
        if *turn != ticket {
            return End::NotBegun;
        }
        drop(turn);
        let end = self.read_results(left, settings, cancelled, &mut each);
        let mut turn = lock(&self.turn);
        if matches!(end, End::Answered) {
            *turn += 1;
        } else {
            self.lost.store(true, Ordering::Relaxed);
        }
        drop(turn);
        self.turned.notify_all();
        end
    }

    fn read_results(
        &self,
        left: &mut usize,
        settings: &Settings,
        cancelled: &dyn Fn() -> bool,
        each: &mut impl FnMut(Status, &[u8]) -> bool,
    ) -> End {
        let mut incoming = lock(&self.incoming);
        let mut clock = Clock::start(settings.task_timeout);
        while *left > 0 {
            let body = match self.next(&mut incoming, &mut clock, settings.max_frame, cancelled) {
                Ok((Kind::Results, body)) => body,
                Ok(_) | Err(Broken::Lost) => return End::Lost(self.kill()),
                Err(Broken::TimedOut) => {
                    self.kill();
                    return End::TimedOut;
                }
            };
            let mut results = &incoming.bytes[body];
            while let Some((&status, rest)) = results.split_first() {
                results = rest;
                let (Some(status), Some(bytes)) = (Status::of(status), frame::split(&mut results))
                else {
                    return End::Lost(self.kill());
                };
                if *left == 0 {
                    return End::Lost(self.kill());
                }
                *left -= 1;
                each(status, bytes);
            }
        }
        End::Answered
    }

    /// The process has not ended, as far as is known.
    fn is_alive(&self) -> bool {
        !self.lost.load(Ordering::Relaxed) && matches!(lock(&self.process).try_wait(), Ok(None))
    }

    /// Ends the process by force, and says how it ended, if it had before.
    fn kill(&self) -> ExitStatus {
        let mut process = lock(&self.process);
        let _ = process.kill();
        process.wait().unwrap_or_default()
    }
}

/// Items that take longer are left to those who have nothing to do, and not sent ahead.
const CHEAP: Duration = Duration::from_micros(200);

impl Host {
    pub(super) fn new<W: Worker>(
        spec: &impl RemoteSpec<W>,
        number: usize,
        settings: &Arc<Settings>,
        counters: &Arc<Counters>,
    ) -> Self {
        let mut bytes = Vec::new();
        let encoded = spec.encode(&mut bytes);
        let mut state = State::default();
        if let Err(error) = encoded {
            state.retired = Some(format!("its spec cannot be encoded: {error}").into());
        }
        Self {
            number,
            worker: spec.worker_name(),
            spec: bytes,
            settings: Arc::clone(settings),
            counters: Arc::clone(counters),
            state: Mutex::new(state),
            gate: Mutex::new(Gate { lanes: LANES, ..Gate::default() }),
            changed: Condvar::new(),
        }
    }

    /// Builds the worker, with no item in hand.
    pub(super) fn build(&self) -> Result<(), TaskError> {
        match self.start(&mut lock(&self.state)) {
            Ok(_) => Ok(()),
            Err(NoChild::Failed(error)) => Err(error(None)),
            Err(NoChild::Retired(last)) => {
                Err(TaskError::build_failed(None, self.number, BuildError::from(&*last)))
            }
        }
    }

    /// There is a child that has built the worker.
    pub(super) fn is_up(&self) -> bool {
        lock(&self.state).child.is_some()
    }

    pub(super) fn is_retired(&self) -> bool {
        lock(&self.state).retired.is_some()
    }

    pub(super) fn max_frame(&self) -> usize {
        self.settings.max_frame
    }

    /// Waits until items are so cheap that a second frame is worth while; false at the end.
    pub(super) fn admits_second(&self) -> bool {
        let mut gate = lock(&self.gate);
        while !gate.cheap && !gate.over {
            gate = wait(&self.changed, gate);
        }
        !gate.over
    }

    /// Takes note of what items took.
    pub(super) fn note_pace(&self, took: Duration, count: usize) {
        let cheap = self.settings.task_timeout.is_none()
            && took < CHEAP * u32::try_from(count).unwrap_or(u32::MAX);
        let mut gate = lock(&self.gate);
        if gate.cheap != cheap {
            gate.cheap = cheap;
            drop(gate);
            self.changed.notify_all();
        }
    }

    /// A lane is through; the last one ends the child.
    pub(super) fn leave(&self) {
        let mut gate = lock(&self.gate);
        gate.over = true;
        gate.lanes -= 1;
        let is_last = gate.lanes == 0;
        drop(gate);
        self.changed.notify_all();
        if is_last && let Some(child) = lock(&self.state).child.take() {
            child.end(self.settings.shutdown_timeout);
        }
    }
}

impl Child {
    /// Lets the process end, and waits for it; at most for `limit`, and then ends it by force.
    fn end(&self, limit: Option<Duration>) {
        let _ = self.stream.shutdown(Shutdown::Write);
        let Some(limit) = limit else {
            let _ = lock(&self.process).wait();
            return;
        };
        let start = Instant::now();
        while start.elapsed() < limit {
            if !matches!(lock(&self.process).try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(POLL);
        }
        self.kill();
    }
}
