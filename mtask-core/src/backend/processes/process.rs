//! A child, seen from its parent: the process, and the conversation with it.

mod outgoing;

use std::ffi::OsString;
use std::io;
use std::net::Shutdown;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{self, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::net::SendFlags;

use outgoing::{Writer, is_slice_over, send};

use super::apart::PARENT;
use super::body::{self, Status, Told};
use super::child::{self, NotBuilt};
use super::codec;
use super::door;
use super::frame::{self, Kind};
use super::incoming::Incoming;
use super::patience::{Over, Patience};
use super::program;
use super::reap::Process;
use super::settings::Settings;
use super::watch::{SLICE, Watch};
use crate::error::{Elsewhere, ProcessEnd};
use crate::sync::{Arc, AtomicBool, AtomicU64, Condvar, Mutex, Ordering, lock, wait};

/// How long a process whose socket is closed has to end by itself, so that its own exit code is seen.
const GRACE: Duration = Duration::from_millis(200);

/// Why processes are killed, as their errors say it.
pub(super) const UNREACHABLE: &str = "nothing could be sent to it";
const CLOSED: &str = "it had closed its socket and did not end";
const OUT_OF_TIME: &str = "its time limit was over";
const NOT_READY: &str = "it could not be spoken to before its worker was built";

/// A process that builds a worker and serves it.
pub(super) struct Child {
    process: Process,
    /// Where frames go; before the child has greeted, where it does that.
    stream: UnixStream,
    /// What says that the run is over: a byte if the child may end in peace, the end of the stream if
    /// its parent has died. `None` before the child has greeted.
    lifeline: Option<UnixStream>,
    settings: Arc<Settings>,
    /// How long it has when it is told to end, or its run to be over: that of the run that it is in.
    patience: Mutex<Arc<Patience>>,
    reader: Mutex<Reader>,
    sent: Mutex<Sent>,
    /// How many frames have been sent, and one more where it is being sent.
    begun: AtomicU64,
    turn: Mutex<Turn>,
    turned: Condvar,
    /// It was told to end.
    ending: AtomicBool,
}

/// What the child has been sent.
#[derive(Default)]
struct Sent {
    /// How many frames.
    frames: u64,
    /// A part of one more, at which it was not there any more.
    is_partial: bool,
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

/// Why a child has not built its worker.
pub(super) enum NotReady {
    /// It could not be started, or ended before it came to `init`, for this reason.
    NoProcess(String),
    /// It did not come to `init` within that time.
    Late(Duration),
    /// It said so.
    NotBuilt(NotBuilt),
    /// It was killed for the time that the build took.
    TimedOut(Duration),
    /// It died while it built.
    Lost(ProcessEnd),
}

/// How it ended with the items of a frame.
pub(super) enum End {
    /// The child is through with all of them, after so long.
    Answered(Duration),
    /// The child died at others, before it came to them.
    NotBegun,
    /// The child died before it had read them.
    Unread,
    /// The child was told to end before it had got them; what it leaves is yet to be read.
    Ending,
    /// The child died at them.
    Lost(ProcessEnd),
    /// The child was killed at them, for the time they took.
    TimedOut,
    /// The child was killed at them, since the run was left and its time to end was over.
    Left,
    /// The child was killed for what it answered, which was not for these.
    Astray(&'static str),
}

/// What a child may have answered.
const OTHER_ITEM: &str = "it answered for another item (does it fork, and return twice?)";
const NO_RESULT: &str =
    "it sent what is no result (does it write to descriptors that are not its own?)";

/// Why a frame neither came nor went.
pub(super) enum Broken {
    Lost,
    /// The child's time to end was over.
    OutOfPatience(Over),
    /// The child died, and had not read all that was sent.
    Unread,
    TimedOut,
    /// The child answers for other items than it was asked for, or with what is no answer: which of them.
    Astray(&'static str),
}

impl Child {
    /// Starts the running program once more and has it build a worker, by a hello and a spec.
    ///
    /// # Errors
    ///
    /// Why it has not; the process is gone then.
    pub(super) fn start(
        worker: usize,
        (settings, patience): (&Arc<Settings>, &Arc<Patience>),
        (hello, spec): (Vec<u8>, &[u8]),
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Self, NotReady> {
        let mut build = Watch::start(settings.build_timeout, cancelled);
        let refused = |reason| NotReady::NotBuilt(NotBuilt::Refused(reason));
        let env = settings.env(worker).map_err(refused)?;
        let not_started =
            |error| NotReady::NoProcess(format!("no process could be started: {error}"));
        let mut child = Self::spawn(env, settings, patience).map_err(not_started)?;
        child.wait_for_greeting(cancelled)?;
        let answer = {
            let mut reader = lock(&child.reader);
            let told = child
                .write(Kind::Hello, [&hello, &[]], &mut build)
                .and_then(|()| child.write(Kind::Spec, [spec, &[]], &mut build));
            told.map_err(|(broken, _)| broken)
                .and_then(|()| child.read(&mut reader, &mut build))
                .map(|(kind, body)| (kind, codec::decode::<NotBuilt>(reader.incoming.body(body))))
        };
        Err(match answer {
            Ok((Kind::Ready, _)) => return Ok(child),
            Ok((Kind::NotBuilt, Ok(reason))) => {
                child.end();
                NotReady::NotBuilt(reason)
            }
            Err(Broken::TimedOut) => {
                child.kill(OUT_OF_TIME);
                NotReady::TimedOut(settings.build_timeout.unwrap_or_default())
            }
            Err(broken) => NotReady::Lost(child.give_up(&broken)),
            Ok(_) => NotReady::Lost(child.kill(NO_RESULT)),
        })
    }

    /// Starts the running program once more.
    fn spawn(
        env: Vec<(OsString, OsString)>,
        settings: &Arc<Settings>,
        patience: &Arc<Patience>,
    ) -> io::Result<Self> {
        let (stream, theirs) = door::pair()?;
        stream.set_read_timeout(Some(SLICE))?;
        let mut command = Command::new(program::program()?);
        command
            .arg0(child::NAME)
            .args(program::entry_args())
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(program::stdout());
        command.envs(env).env(PARENT, process::id().to_string());
        let process = command.spawn()?;
        Ok(Self {
            process: Process::new(process, settings.memory_limit),
            stream,
            lifeline: None,
            settings: Arc::clone(settings),
            patience: Mutex::new(Arc::clone(patience)),
            reader: Mutex::new(Reader { incoming: Incoming::default(), slice: SLICE }),
            sent: Mutex::default(),
            begun: AtomicU64::new(0),
            turn: Mutex::new(Turn { frame: 0, since: Instant::now(), lost: false, waiting: 0 }),
            turned: Condvar::new(),
            ending: AtomicBool::new(false),
        })
    }

    /// Waits for the child to come to `init` and to pass its sockets.
    fn wait_for_greeting(&mut self, cancelled: &dyn Fn() -> bool) -> Result<(), NotReady> {
        let limit = self.settings.start_timeout;
        let mut watch = Watch::start(Some(limit), cancelled);
        let broken = loop {
            match door::receive(&self.stream) {
                Ok([stream, lifeline]) => {
                    let set = stream
                        .set_read_timeout(Some(SLICE))
                        .and_then(|()| stream.set_write_timeout(Some(SLICE)));
                    (self.stream, self.lifeline) = (stream, Some(lifeline));
                    match set {
                        Ok(()) => return Ok(()),
                        Err(error) => break error.to_string(),
                    }
                }
                Err(error) if is_slice_over(&error) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    break self.ended_early();
                }
                Err(error) => break format!("its process could not be reached: {error}"),
            }
            match watch.slice().and_then(|_| watch.look(self)) {
                Ok(()) => {}
                Err(Broken::TimedOut) => {
                    self.kill(OUT_OF_TIME);
                    return Err(NotReady::Late(limit));
                }
                Err(_) => break self.ended_early(),
            }
        };
        self.kill(NOT_READY);
        Err(NotReady::NoProcess(broken))
    }

    /// Says how a child ended that had not come to `init`.
    fn ended_early(&self) -> String {
        let status = self.give_up(&Broken::Lost);
        format!(
            "its process ended with {status} before it came to `mtask::init()`, which has to be the first \
             line of `main`"
        )
    }

    /// Sends items, and gives the number of their frame, by which to ask for their results. `attempt` is how
    /// often they have been sent, this time included.
    ///
    /// # Errors
    ///
    /// How it ended where they were not sent; the child is gone then, or was told to end.
    pub(super) fn send(
        &self,
        items: &[u8],
        attempt: usize,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<u64, End> {
        let mut sent = lock(&self.sent);
        let number = sent.frames;
        self.begun.store(number + 1, Ordering::Relaxed);
        let mut watch = Watch::start(self.settings.task_timeout, cancelled);
        let attempt = (attempt as u64).to_le_bytes();
        match self.write(Kind::Work, [&attempt, items], &mut watch) {
            Ok(()) => {
                sent.frames += 1;
                Ok(number)
            }
            Err((broken, written)) => {
                sent.is_partial |= written > 0;
                drop(sent);
                if self.ending.load(Ordering::Relaxed) {
                    return Err(End::Ending);
                }
                // Another one, which was before it, ended the child.
                let not_begun = lock(&self.turn).frame < number;
                self.lose();
                self.give_up(&broken);
                Err(match broken {
                    Broken::TimedOut => End::TimedOut,
                    _ if not_begun => End::NotBegun,
                    _ => End::Unread,
                })
            }
        }
    }

    /// Waits for the results of a frame, of as many items, and gives each to `each`, which says whether it is
    /// for the item that is next.
    pub(super) fn receive(
        &self,
        frame: u64,
        items: usize,
        cancelled: &dyn Fn() -> bool,
        each: impl FnMut(Told<'_>) -> bool,
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
        let mut left = items;
        if let Err(broken) = self.read_results(frame, &mut left, cancelled, each) {
            let status = self.give_up(&broken);
            self.lose();
            return match broken {
                Broken::Unread if left == items && self.is_last_sent(frame) => End::Unread,
                Broken::Lost | Broken::Unread => End::Lost(status),
                Broken::OutOfPatience(_) => End::Left,
                Broken::TimedOut => End::TimedOut,
                Broken::Astray(what) => End::Astray(what),
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

    /// Nothing of a later frame has come to the child, which is not there any more: so that it is this one of
    /// which it has left something unread.
    fn is_last_sent(&self, frame: u64) -> bool {
        // Held by one who writes until that fails.
        let sent = lock(&self.sent);
        sent.frames == frame + 1 && !sent.is_partial
    }

    fn read_results(
        &self,
        frame: u64,
        left: &mut usize,
        cancelled: &dyn Fn() -> bool,
        mut each: impl FnMut(Told<'_>) -> bool,
    ) -> Result<(), Broken> {
        let mut reader = lock(&self.reader);
        let mut watch = Watch::start(self.settings.task_timeout, cancelled);
        while *left > 0 {
            let (kind, body) = self.read(&mut reader, &mut watch)?;
            if !matches!(kind, Kind::Results | Kind::Last) {
                return Err(Broken::Astray(NO_RESULT));
            }
            let mut results = reader.incoming.body(body);
            if body::split_number(&mut results).ok_or(Broken::Astray(NO_RESULT))? != frame {
                return Err(Broken::Astray(OTHER_ITEM));
            }
            loop {
                let told = body::split_result(&mut results).ok_or(Broken::Astray(NO_RESULT))?;
                if *left == 0 || !each(told) {
                    return Err(Broken::Astray(OTHER_ITEM));
                }
                *left -= 1;
                if results.is_empty() {
                    break;
                }
            }
            if (kind == Kind::Last) != (*left == 0) {
                return Err(Broken::Astray(OTHER_ITEM));
            }
            reader.incoming.release();
        }
        Ok(())
    }

    /// The next frame, in time.
    fn read(
        &self,
        reader: &mut Reader,
        watch: &mut Watch<'_>,
    ) -> Result<(Kind, Range<usize>), Broken> {
        let max = frame::most(self.settings.max_frame);
        loop {
            if let Some(frame) = reader.incoming.take(max).map_err(|_| Broken::Astray(NO_RESULT))? {
                return Ok(frame);
            }
            let slice = watch.slice()?;
            if slice != reader.slice {
                self.stream.set_read_timeout(Some(slice)).map_err(|_| Broken::Lost)?;
                reader.slice = slice;
            }
            match reader.incoming.fill(&self.stream) {
                Ok(()) => {}
                Err(error) if is_slice_over(&error) => watch.look(self)?,
                // Linux tells so of a socket that was closed before all was read that had been sent.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                    return Err(Broken::Unread);
                }
                Err(_) => return Err(Broken::Lost),
            }
        }
    }

    /// Writes a frame, in time.
    ///
    /// # Errors
    ///
    /// Why that cannot be done, and how many bytes were written until then.
    fn write(
        &self,
        kind: Kind,
        body: [&[u8]; 2],
        watch: &mut Watch<'_>,
    ) -> Result<(), (Broken, usize)> {
        let mut writer = Writer { child: self, watch, broken: Broken::Lost, written: 0 };
        frame::write(&mut writer, kind, body).map_err(|_| (writer.broken, writer.written))
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
    pub(super) fn is_running(&self) -> bool {
        self.process.is_running()
    }

    /// Has the child leave what it has been sent, when it is through with the item in hand; and end, unless it
    /// outlives its run or is to say what it has done, after an abort.
    pub(super) fn tell_cancelled(&self) {
        if !self.settings.is_kept && !self.patience().is_aborted() {
            return self.tell_end();
        }
        let mut word = [child::SKIP; 9];
        word[1..].copy_from_slice(&self.begun.load(Ordering::Relaxed).to_le_bytes());
        self.say(&word);
    }

    /// How long it has when it is told to end, or its run to be over.
    pub(super) fn patience(&self) -> Arc<Patience> {
        Arc::clone(&lock(&self.patience))
    }

    /// Sets that, for another run.
    pub(super) fn set_patience(&self, patience: &Arc<Patience>) {
        *lock(&self.patience) = Arc::clone(patience);
    }

    /// Has the child end, when it is through with the item in hand.
    pub(super) fn tell_end(&self) {
        self.ending.store(true, Ordering::Relaxed);
        self.say(&[child::END]);
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Says something on the lifeline, without a wait: a child that is not there any more needs not be told,
    /// and one that has not read hundreds of words before is not at work.
    fn say(&self, word: &[u8]) {
        if let Some(lifeline) = &self.lifeline {
            let _ = send(lifeline, &[io::IoSlice::new(word)], SendFlags::DONTWAIT);
        }
    }

    /// Lets the worker end, and gives what it leaves, as it tells it. The process ends after it.
    ///
    /// # Errors
    ///
    /// How it ended instead; by force where it took longer than is set.
    pub(super) fn finish(&self) -> Result<(Status, Vec<u8>), Elsewhere> {
        self.tell_end();
        let mut reader = lock(&self.reader);
        let patience = self.patience();
        let is_left = || patience.is_left();
        let mut watch = Watch::start(patience.finish(), &is_left);
        let broken = loop {
            match self.read(&mut reader, &mut watch) {
                Ok((Kind::Summary, body)) => {
                    let summary = reader.incoming.body(body).split_first();
                    match summary.and_then(|(&status, bytes)| Some((Status::of(status)?, bytes))) {
                        Some((status, bytes)) => return Ok((status, bytes.to_vec())),
                        None => break Broken::Astray(NO_RESULT),
                    }
                }
                // Results of a frame that nobody waits for any more.
                Ok((Kind::Results | Kind::Last, _)) => {}
                Ok(_) => break Broken::Astray(NO_RESULT),
                Err(broken) => break broken,
            }
        };
        let broken = match broken {
            Broken::TimedOut => Broken::OutOfPatience(Over::Finish),
            broken => broken,
        };
        let status = self.give_up(&broken);
        Err(match broken {
            Broken::OutOfPatience(over) => {
                Elsewhere::Unfinished { limit: patience.limit(over), option: over.option() }
            }
            Broken::Astray(what) => Elsewhere::Astray(what),
            _ => Elsewhere::Lost { status, building: false },
        })
    }

    /// Lets the process end, and waits for it; at most for as long as is set, and then ends it by
    /// force.
    pub(super) fn end(&self) -> ProcessEnd {
        self.tell_end();
        let (patience, since) = (self.patience(), Instant::now());
        self.process.wait_until(|| patience.over(since).map(Over::why))
    }

    /// Reaps the process, which is ended by force unless it was told to end. Gives how it ended if it was not.
    pub(super) fn reap(&self) -> Option<ProcessEnd> {
        if self.ending.load(Ordering::Relaxed) {
            self.end();
            return None;
        }
        Some(self.give_up(&Broken::Lost))
    }

    /// Ends a process that cannot be spoken to, by force if it does not end by itself.
    fn give_up(&self, broken: &Broken) -> ProcessEnd {
        match broken {
            Broken::TimedOut => self.kill(OUT_OF_TIME),
            Broken::OutOfPatience(over) => self.kill(over.why()),
            Broken::Astray(what) => self.kill(what),
            Broken::Lost | Broken::Unread => {
                let since = Instant::now();
                self.process.wait_until(|| (since.elapsed() >= GRACE).then_some(CLOSED))
            }
        }
    }

    /// Ends the process by force, and says how it ended, or had ended before.
    pub(super) fn kill(&self, why: &'static str) -> ProcessEnd {
        self.process.kill(why)
    }
}
