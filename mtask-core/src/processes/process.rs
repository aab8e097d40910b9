//! A child, seen from its parent: the process, and the conversation with it.

use std::io::{self, Write};
use std::net::Shutdown;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{self, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::child::{self, NotBuilt, Panic, Status};
use super::codec;
use super::frame::{self, Kind};
use super::incoming::Incoming;
use super::program;
use super::settings::Settings;
use crate::sync::{Arc, AtomicBool, AtomicU64, Condvar, Mutex, Ordering, lock, wait};

/// How long a read or a write lasts at the most before the clock is looked at.
const SLICE: Duration = Duration::from_millis(50);
/// How often it is looked whether a process has ended.
const POLL: Duration = Duration::from_millis(2);

/// A process that builds a worker and serves it.
pub(super) struct Child {
    process: Mutex<process::Child>,
    /// Where frames go.
    stream: UnixStream,
    /// What says that the run is over: a byte if the child may end in peace, the end of the stream if
    /// its parent has died.
    lifeline: UnixStream,
    settings: Arc<Settings>,
    /// How long it is waited for when it is told to end, or its run to be over.
    patience: Mutex<Option<Duration>>,
    reader: Mutex<Reader>,
    /// How many frames have been sent.
    sent: Mutex<u64>,
    /// The same, and one that is being sent.
    begun: AtomicU64,
    turn: Mutex<Turn>,
    turned: Condvar,
    /// It was told to end.
    ending: AtomicBool,
}

/// What has arrived, and how long it is waited for more.
struct Reader {
    incoming: Incoming,
    /// How long a read lasts.
    slice: Duration,
}

/// Whose results come next.
struct Turn {
    /// The number of their frame.
    frame: u64,
    /// When the child came to it, if it was there by then.
    since: Instant,
    /// There will be no more of them.
    lost: bool,
    /// How many wait for theirs.
    waiting: usize,
}

/// How a child answered to a hello.
pub(super) enum Greeted {
    Ready,
    NotBuilt(NotBuilt),
    TimedOut,
    Lost(ExitStatus),
}

/// How it ended with the items of a frame.
pub(super) enum End {
    /// The child is through with all of them, after so long.
    Answered(Duration),
    /// The child died at others, before it came to them.
    NotBegun,
    /// The child died before it had read them.
    Unread,
    /// The child died at them.
    Lost(ExitStatus),
    /// The child was killed at them, for the time they took.
    TimedOut,
}

/// Why a frame neither came nor went.
enum Broken {
    Lost,
    /// The child died, and had not read all that was sent.
    Unread,
    TimedOut,
}

impl Child {
    /// Starts the running program once more.
    pub(super) fn spawn(worker: usize, settings: &Arc<Settings>) -> io::Result<Self> {
        let (stream, theirs) = sockets()?;
        let (lifeline, watched) = sockets()?;
        stream.set_read_timeout(Some(SLICE))?;
        stream.set_write_timeout(Some(SLICE))?;
        let mut command = Command::new(program::program()?);
        command
            .arg0(child::NAME)
            .args(program::entry_args())
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::from(OwnedFd::from(watched)))
            // Ctrl-C is for the parent, whose end ends the child.
            .process_group(0);
        settings.apply(worker, &mut command);
        let process = command.spawn()?;
        Ok(Self {
            process: Mutex::new(process),
            stream,
            lifeline,
            settings: Arc::clone(settings),
            patience: Mutex::new(settings.shutdown_timeout),
            reader: Mutex::new(Reader { incoming: Incoming::default(), slice: SLICE }),
            sent: Mutex::new(0),
            begun: AtomicU64::new(0),
            turn: Mutex::new(Turn { frame: 0, since: Instant::now(), lost: false, waiting: 0 }),
            turned: Condvar::new(),
            ending: AtomicBool::new(false),
        })
    }

    /// Says hello and waits for the worker to be built.
    pub(super) fn greet(&self, hello: &[u8], cancelled: &dyn Fn() -> bool) -> Greeted {
        let mut reader = lock(&self.reader);
        let mut clock = Clock::start(self.settings.build_timeout);
        let answer = self
            .write(Kind::Hello, hello, &mut clock)
            .and_then(|()| self.read(&mut reader, &mut clock, cancelled));
        match answer {
            Ok((Kind::Ready, _)) => Greeted::Ready,
            Ok((Kind::NotBuilt, body)) => match codec::decode(reader.incoming.body(body)) {
                Ok(reason) => Greeted::NotBuilt(reason),
                Err(_) => Greeted::Lost(self.kill()),
            },
            Ok(_) | Err(Broken::Lost | Broken::Unread) => Greeted::Lost(self.kill()),
            Err(Broken::TimedOut) => {
                self.kill();
                Greeted::TimedOut
            }
        }
    }

    /// Sends items, and gives the number of their frame, by which to ask for their results. `attempt` is how
    /// often they have been sent, this time included.
    ///
    /// # Errors
    ///
    /// How it ended where they were not sent; the child is gone then.
    pub(super) fn send(&self, items: &[u8], attempt: usize) -> Result<u64, End> {
        let mut sent = lock(&self.sent);
        self.begun.store(*sent + 1, Ordering::Relaxed);
        let mut clock = Clock::start(self.settings.task_timeout);
        let written = match attempt {
            1 => self.write(Kind::Work, items, &mut clock),
            _ => {
                let again = [&(attempt as u64).to_le_bytes()[..], items].concat();
                self.write(Kind::Again, &again, &mut clock)
            }
        };
        match written {
            Ok(()) => {
                *sent += 1;
                Ok(*sent - 1)
            }
            Err(broken) => {
                self.lose();
                self.put_away();
                Err(match broken {
                    Broken::Lost | Broken::Unread => End::Unread,
                    Broken::TimedOut => End::TimedOut,
                })
            }
        }
    }

    /// Waits for the results of a frame, and gives each to `each`. Takes off `left` what has come.
    pub(super) fn receive(
        &self,
        frame: u64,
        left: &mut usize,
        cancelled: &dyn Fn() -> bool,
        each: impl FnMut(Status, &[u8]),
    ) -> End {
        let asked = Instant::now();
        let mut turn = lock(&self.turn);
        while turn.frame != frame && !turn.lost {
            turn.waiting += 1;
            turn = wait(&self.turned, turn);
            turn.waiting -= 1;
        }
        if turn.frame != frame {
            return End::NotBegun;
        }
        // The one before may have ended long ago, or while this one was there.
        let since = turn.since.max(asked);
        drop(turn);
        let count = *left;
        if let Err(broken) = self.read_results(left, cancelled, each) {
            let status = self.kill();
            self.lose();
            return match broken {
                // It was not another frame that was not read.
                Broken::Unread if *left == count && *lock(&self.sent) == frame + 1 => End::Unread,
                Broken::Lost | Broken::Unread => End::Lost(status),
                Broken::TimedOut => End::TimedOut,
            };
        }
        let now = Instant::now();
        let mut turn = lock(&self.turn);
        (turn.frame, turn.since) = (frame + 1, now);
        // To notify is a system call, also where nobody waits.
        if turn.waiting > 0 {
            drop(turn);
            self.turned.notify_all();
        }
        End::Answered(now - since)
    }

    fn read_results(
        &self,
        left: &mut usize,
        cancelled: &dyn Fn() -> bool,
        mut each: impl FnMut(Status, &[u8]),
    ) -> Result<(), Broken> {
        let mut reader = lock(&self.reader);
        let mut clock = Clock::start(self.settings.task_timeout);
        while *left > 0 {
            let (Kind::Results, body) = self.read(&mut reader, &mut clock, cancelled)? else {
                return Err(Broken::Lost);
            };
            let mut results = reader.incoming.body(body);
            while !results.is_empty() {
                let (status, bytes) = child::split_result(&mut results).ok_or(Broken::Lost)?;
                *left = left.checked_sub(1).ok_or(Broken::Lost)?;
                each(status, bytes);
            }
        }
        Ok(())
    }

    /// The next frame, in time.
    fn read(
        &self,
        reader: &mut Reader,
        clock: &mut Clock,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<(Kind, Range<usize>), Broken> {
        let max = frame::most(self.settings.max_frame);
        let mut ending: Option<Instant> = None;
        let mut is_running = true;
        loop {
            if let Some(frame) = reader.incoming.take(max).map_err(|_| Broken::Lost)? {
                return Ok(frame);
            }
            let slice = clock.slice().map_err(|()| Broken::TimedOut)?;
            if slice != reader.slice {
                self.stream.set_read_timeout(Some(slice)).map_err(|_| Broken::Lost)?;
                reader.slice = slice;
            }
            match reader.incoming.fill(&self.stream) {
                Ok(()) => continue,
                Err(error) if is_slice_over(&error) => {}
                // Linux tells so of a socket that was closed before all was read that had been sent.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                    return Err(Broken::Unread);
                }
                Err(_) => return Err(Broken::Lost),
            }
            // A process that it has forked may hold its end of the socket; but what it had sent is there.
            if !is_running {
                return Err(Broken::Lost);
            }
            is_running = self.is_running();
            if cancelled() {
                let since = *ending.get_or_insert_with(|| {
                    self.tell_cancelled();
                    Instant::now()
                });
                if lock(&self.patience).is_some_and(|limit| since.elapsed() >= limit) {
                    return Err(Broken::Lost);
                }
            }
        }
    }

    /// Writes a frame, in time.
    fn write(&self, kind: Kind, body: &[u8], clock: &mut Clock) -> Result<(), Broken> {
        let mut timed_out = false;
        let mut patient = Patient { stream: &self.stream, clock, timed_out: &mut timed_out };
        match frame::write(&mut patient, kind, body) {
            Ok(()) => Ok(()),
            Err(_) if timed_out => Err(Broken::TimedOut),
            Err(_) => Err(Broken::Lost),
        }
    }

    /// Has those who wait for their turn know that it will not come.
    fn lose(&self) {
        lock(&self.turn).lost = true;
        self.turned.notify_all();
    }

    /// Frames can be sent to it, as far as is known.
    pub(super) fn is_alive(&self) -> bool {
        !lock(&self.turn).lost
    }

    /// The process has not ended.
    fn is_running(&self) -> bool {
        matches!(lock(&self.process).try_wait(), Ok(None))
    }

    /// Has the child leave what it has been sent, when it is through with the item in hand; and end, unless it
    /// outlives its run.
    pub(super) fn tell_cancelled(&self) {
        if !self.settings.is_kept {
            return self.tell_end();
        }
        let mut word = [child::SKIP; 9];
        word[1..].copy_from_slice(&self.begun.load(Ordering::Relaxed).to_le_bytes());
        let _ = send(&self.lifeline, &[io::IoSlice::new(&word)]);
    }

    /// Sets how long it is waited for when it is told to end, or its run to be over.
    pub(super) fn wait_at_most(&self, limit: Option<Duration>) {
        *lock(&self.patience) = limit;
    }

    /// Has the child end, when it is through with the item in hand.
    pub(super) fn tell_end(&self) {
        self.ending.store(true, Ordering::Relaxed);
        // A child that is not there any more needs not be told.
        let _ = send(&self.lifeline, &[io::IoSlice::new(&[child::END])]);
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Lets the worker end, and gives what it leaves, as it tells it; nothing where it died instead, or takes
    /// longer than is set. The process ends after it.
    pub(super) fn finish(&self) -> Option<Result<Vec<u8>, Panic>> {
        self.tell_end();
        let patience = *lock(&self.patience);
        let mut reader = lock(&self.reader);
        let mut clock = Clock::start(patience);
        loop {
            match self.read(&mut reader, &mut clock, &|| false) {
                Ok((Kind::Summary, body)) => {
                    return codec::decode(reader.incoming.body(body)).ok();
                }
                // Results of a frame that nobody waits for any more.
                Ok((Kind::Results, _)) => {}
                _ => return None,
            }
        }
    }

    /// Lets the process end, and waits for it; at most for as long as is set, and then ends it by
    /// force.
    pub(super) fn end(&self) {
        self.tell_end();
        let Some(limit) = *lock(&self.patience) else {
            let _ = lock(&self.process).wait();
            return;
        };
        let start = Instant::now();
        while self.is_running() {
            if start.elapsed() >= limit {
                self.kill();
                return;
            }
            thread::sleep(POLL.min(limit));
        }
    }

    /// Ends the process, by force unless it was told to end. Gives how it ended if it was not.
    pub(super) fn put_away(&self) -> Option<ExitStatus> {
        if self.ending.load(Ordering::Relaxed) {
            self.end();
            return None;
        }
        Some(self.kill())
    }

    /// Ends the process by force, and says how it ended, or had ended before.
    pub(super) fn kill(&self) -> ExitStatus {
        let mut process = lock(&self.process);
        let _ = process.kill();
        process.wait().unwrap_or_default()
    }
}

/// Writes to a socket, and is no signal to a program that dies of writing to what is closed.
fn send(stream: &UnixStream, pieces: &[io::IoSlice<'_>]) -> io::Result<usize> {
    use rustix::net::{SendAncillaryBuffer, SendFlags, send, sendmsg};
    #[cfg(not(target_vendor = "apple"))]
    let flags = SendFlags::NOSIGNAL;
    #[cfg(target_vendor = "apple")]
    let flags = SendFlags::empty();
    Ok(match pieces {
        [bytes] => send(stream, bytes, flags)?,
        _ => sendmsg(stream, pieces, &mut SendAncillaryBuffer::default(), flags)?,
    })
}

/// A pair of sockets for [`send`].
fn sockets() -> io::Result<(UnixStream, UnixStream)> {
    let pair = UnixStream::pair()?;
    #[cfg(target_vendor = "apple")]
    rustix::net::sockopt::set_socket_nosigpipe(&pair.0, true)?;
    Ok(pair)
}

fn is_slice_over(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

/// Writes on where a child takes its time, until that is over.
struct Patient<'a> {
    stream: &'a UnixStream,
    clock: &'a mut Clock,
    timed_out: &'a mut bool,
}

impl Write for Patient<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[io::IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, pieces: &[io::IoSlice<'_>]) -> io::Result<usize> {
        loop {
            match send(self.stream, pieces) {
                Err(error) if is_slice_over(&error) => {
                    if self.clock.slice().is_err() {
                        *self.timed_out = true;
                        return Err(error);
                    }
                }
                outcome => return outcome,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
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
        // What is longer than two slices is a time in which nothing ran here.
        self.passed += (now - self.last).min(2 * SLICE);
        self.last = now;
        match limit.checked_sub(self.passed) {
            Some(left) if !left.is_zero() => Ok(left.min(SLICE)),
            _ => Err(()),
        }
    }
}
