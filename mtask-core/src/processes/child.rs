//! The child's side: a process that builds one worker and serves it.

use std::cell::RefCell;
use std::fmt;
use std::fs::File;
use std::io::{self, BufReader};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Resource, Rlimit, Signal, getpid, kill_process, setrlimit};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::frame::{self, Kind, VERSION};
use super::registry;
use super::remote::RemoteError;
use crate::error::{BoxError, PanicPayload, drop_caught};
use crate::sync::{Arc, Condvar, Mutex, lock, wait, wait_timeout};
use crate::{BuildError, Spec, TaskError, Worker};

/// What the parent calls a child, where programs have their name: so that it is known before anything
/// else runs, and that no grandchild takes itself for one.
pub(super) const NAME: &str = "mtask-worker";

/// For how long results are kept back while items are cheap.
const FLUSH: Duration = Duration::from_millis(1);
/// How often it is looked whether results lie behind an item that is not.
const LOOK: Duration = Duration::from_millis(20);
/// So many bytes of results are sent at once.
const ENOUGH: usize = 64 * 1024;

/// How a parent begins.
#[derive(Serialize, Deserialize)]
pub(super) struct Hello {
    pub(super) version: u32,
    /// The name of the worker.
    pub(super) worker: String,
    pub(super) spec: Vec<u8>,
    pub(super) max_frame: usize,
    pub(super) memory_limit: Option<u64>,
    pub(super) nice: Option<i32>,
}

/// What kept a worker from being built.
#[derive(Serialize, Deserialize)]
pub(super) enum NotBuilt {
    Returned(RemoteError),
    Panicked(Panic),
    /// It never came to that.
    Refused(String),
}

impl NotBuilt {
    /// As the error of an item, or of a build asked for at the start.
    pub(super) fn into_error(self, index: Option<usize>, worker: usize) -> TaskError {
        match self {
            Self::Returned(error) => {
                TaskError::build_failed(index, worker, BuildError::from(BoxError::from(error)))
            }
            Self::Panicked(panic) => {
                TaskError::build_panicked(index, worker, Box::new(panic.message))
            }
            Self::Refused(reason) => {
                TaskError::build_failed(index, worker, BuildError::from(reason))
            }
        }
    }
}

impl fmt::Display for NotBuilt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Returned(error) => write!(f, "{error:?}"),
            Self::Panicked(panic) => f.write_str(&panic.message),
            Self::Refused(reason) => f.write_str(reason),
        }
    }
}

/// A panic, told.
#[derive(Serialize, Deserialize)]
pub(super) struct Panic {
    pub(super) message: String,
    pub(super) location: Option<String>,
}

/// What became of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Status {
    /// The output follows.
    Done = 0,
    /// A [`Panic`] follows.
    Panicked = 1,
    /// A [`NotBuilt`] follows: the worker, which had panicked, could not be built anew.
    NotBuilt = 2,
    /// A text follows: the input could not be decoded, or the output not be encoded.
    NotSent = 3,
    /// Nothing follows: the item was not begun.
    NotRun = 4,
}

impl Status {
    pub(super) fn of(byte: u8) -> Option<Self> {
        [Self::Done, Self::Panicked, Self::NotBuilt, Self::NotSent, Self::NotRun]
            .into_iter()
            .find(|&status| status as u8 == byte)
    }
}

/// True in a process that is to serve.
pub(super) fn is_child() -> bool {
    std::env::args_os().next().is_some_and(|name| name == NAME)
}

/// Serves until the parent is through with this process, and ends it.
pub(super) fn run() -> ! {
    let code = match Session::open().and_then(|mut session| session.run()) {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("{NAME}: {error}");
            1
        }
    };
    process::exit(code)
}

/// A conversation with the parent.
#[derive(Debug)]
pub struct Session {
    input: BufReader<UnixStream>,
    results: Arc<Results>,
    frame: Vec<u8>,
    max_frame: usize,
}

/// Results on their way to the parent.
#[derive(Debug)]
struct Results {
    stream: UnixStream,
    body: Mutex<Vec<u8>>,
    /// Where the flusher sleeps while nothing is served.
    wanted: Condvar,
    /// Something was put in since the flusher last looked.
    fresh: AtomicBool,
    /// The parent wants no more results.
    ended: AtomicBool,
}

impl Results {
    /// Sends what there is.
    fn flush(&self, body: &mut Vec<u8>) -> io::Result<()> {
        if !body.is_empty() {
            frame::write(&self.stream, Kind::Results, body)?;
            body.clear();
        }
        Ok(())
    }

    /// Sends results that wait behind a slow item.
    fn look_after(&self) {
        let mut body = lock(&self.body);
        loop {
            body = if body.is_empty() {
                wait(&self.wanted, body)
            } else {
                wait_timeout(&self.wanted, body, Some(LOOK))
            };
            if !self.fresh.swap(false, Ordering::Relaxed) {
                // What does not arrive is the parent's end, which the watcher sees.
                let _ = self.flush(&mut body);
            }
        }
    }
}

impl Session {
    /// Takes over the socket that the parent has left as the standard input.
    fn open() -> io::Result<Self> {
        let socket: OwnedFd = io::stdin().as_fd().try_clone_to_owned()?;
        rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
        let stream = UnixStream::from(socket);
        let results = Arc::new(Results {
            stream: stream.try_clone()?,
            body: Mutex::default(),
            wanted: Condvar::new(),
            fresh: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        });
        let watched = Arc::clone(&results);
        thread::Builder::new().name("mtask-watch".to_owned()).spawn(move || watch(&watched))?;
        let looked_after = Arc::clone(&results);
        thread::Builder::new()
            .name("mtask-flush".to_owned())
            .spawn(move || looked_after.look_after())?;
        let input = BufReader::with_capacity(ENOUGH, stream);
        Ok(Self { input, results, frame: Vec::new(), max_frame: frame::MAX })
    }

    fn run(&mut self) -> io::Result<()> {
        let mut body = Vec::new();
        if frame::read(&mut self.input, frame::MAX, &mut body)? != Some(Kind::Hello) {
            return Err(io::Error::other("this program is started by mtask, and not by hand"));
        }
        match self.greeted(&body) {
            Ok((entry, spec)) => entry.serve(self, &spec),
            Err(reason) => self.refuse(&NotBuilt::Refused(reason))?,
        }
        Ok(())
    }

    /// Reads the parent's hello, and does what it asks for before the worker is built.
    fn greeted(&mut self, body: &[u8]) -> Result<(&'static registry::Entry, Vec<u8>), String> {
        let hello: Hello = postcard::from_bytes(body)
            .map_err(|error| format!("the parent's hello is not understood: {error}"))?;
        if hello.version != VERSION {
            return Err(format!("the parent speaks version {}, not {VERSION}", hello.version));
        }
        self.max_frame = hello.max_frame;
        if let Some(bytes) = hello.memory_limit {
            let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
            setrlimit(Resource::As, limit)
                .map_err(|error| format!("a memory limit of {bytes} bytes cannot be set: {error}"))?;
        }
        if let Some(by) = hello.nice {
            rustix::process::nice(by)
                .map_err(|error| format!("the priority cannot be changed by {by}: {error}"))?;
        }
        Ok((registry::find(&hello.worker)?, hello.spec))
    }

    fn refuse(&self, reason: &NotBuilt) -> io::Result<()> {
        let body = postcard::to_stdvec(reason).map_err(io::Error::other)?;
        frame::write(&self.results.stream, Kind::NotBuilt, &body)
    }
}

/// Waits for the parent to shut its half of the socket, and to die.
fn watch(results: &Results) {
    let mut wanted = PollFlags::RDHUP;
    loop {
        let mut fds = [PollFd::new(&results.stream, wanted)];
        if poll(&mut fds, None).is_err() {
            continue;
        }
        let seen = fds[0].revents();
        if seen.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
            // Whatever is going on, nobody waits for it any more.
            let _ = kill_process(getpid(), Signal::KILL);
        }
        if seen.contains(PollFlags::RDHUP) {
            results.ended.store(true, Ordering::Relaxed);
            wanted = PollFlags::empty();
        }
    }
}

thread_local! {
    /// Where the last panic on this thread was.
    static LOCATION: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Has panics note where they are, and be shown as before.
fn note_locations() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        LOCATION.set(info.location().map(ToString::to_string));
        before(info);
    }));
}

impl Panic {
    fn caught(payload: Box<dyn std::any::Any + Send>) -> Self {
        let message = PanicPayload::text(&*payload).to_owned();
        drop_caught(payload);
        Self { message, location: LOCATION.take() }
    }
}

/// Builds a worker from a spec, which was sent.
fn build<S: Spec<W>, W>(spec: &S) -> Result<W, NotBuilt> {
    match catch_unwind(AssertUnwindSafe(|| spec.build())) {
        Ok(Ok(worker)) => Ok(worker),
        Ok(Err(error)) => Err(NotBuilt::Returned(told(&error))),
        Err(payload) => Err(NotBuilt::Panicked(Panic::caught(payload))),
    }
}

fn told(error: &BuildError) -> RemoteError {
    RemoteError::of(error)
}

/// Builds the worker and runs what the parent sends, to the end of the conversation.
pub(super) fn serve<S, W>(session: &mut Session, spec: &[u8])
where
    S: Spec<W> + DeserializeOwned,
    W: Worker,
    W::Input: DeserializeOwned,
    W::Output: Serialize,
{
    note_locations();
    let built = match postcard::from_bytes::<S>(spec) {
        Ok(spec) => build(&spec).map(|worker| (spec, worker)),
        Err(error) => Err(NotBuilt::Refused(format!("the spec cannot be decoded: {error}"))),
    };
    let (spec, worker) = match built {
        Ok(built) => built,
        Err(reason) => {
            let _ = session.refuse(&reason);
            return;
        }
    };
    if frame::write(&session.results.stream, Kind::Ready, &[]).is_err() {
        return;
    }
    let mut served = Served { spec, worker: Some(worker) };
    while let Ok(Some(Kind::Work)) =
        frame::read(&mut session.input, session.max_frame, &mut session.frame)
    {
        if served.run(&session.frame, &session.results, session.max_frame).is_err() {
            break;
        }
    }
    drop_caught(served.worker);
}

/// The worker of a child.
struct Served<S, W> {
    spec: S,
    /// `None` after a panic, until it is built anew.
    worker: Option<W>,
}

impl<S, W> Served<S, W>
where
    S: Spec<W>,
    W: Worker,
    W::Input: DeserializeOwned,
    W::Output: Serialize,
{
    /// Runs the items of a frame.
    fn run(&mut self, mut items: &[u8], results: &Results, max: usize) -> io::Result<()> {
        let mut flushed = Instant::now();
        let mut may_run = true;
        while let Some(item) = frame::split(&mut items) {
            may_run &= !results.ended.load(Ordering::Relaxed);
            let mut result = Vec::new();
            let status = if may_run { self.run_one(item, &mut result, max) } else { Status::NotRun };
            may_run &= status != Status::NotBuilt;

            let mut body = lock(&results.body);
            body.push(status as u8);
            let _ = frame::append(&mut body, |body| Ok::<_, ()>(body.extend_from_slice(&result)));
            results.fresh.store(true, Ordering::Relaxed);
            if items.is_empty() || body.len() >= ENOUGH || flushed.elapsed() >= FLUSH {
                results.flush(&mut body)?;
                flushed = Instant::now();
            } else if body.len() == result.len() + 5 {
                results.wanted.notify_one();
            }
        }
        Ok(())
    }

    /// Runs an item and appends what is to be told of it.
    fn run_one(&mut self, item: &[u8], result: &mut Vec<u8>, max: usize) -> Status {
        let input = match catch_unwind(|| postcard::from_bytes(item)) {
            Ok(Ok(input)) => input,
            Ok(Err(error)) => return tell(result, Status::NotSent, &format!("its input cannot be decoded: {error}")),
            Err(payload) => return tell(result, Status::Panicked, &Panic::caught(payload)),
        };
        let worker = match &mut self.worker {
            Some(worker) => worker,
            empty => match build(&self.spec) {
                Ok(worker) => empty.insert(worker),
                Err(reason) => {
                    drop_caught(input);
                    return tell(result, Status::NotBuilt, &reason);
                }
            },
        };
        let output = match catch_unwind(AssertUnwindSafe(|| worker.call(input))) {
            Ok(output) => output,
            Err(payload) => {
                drop_caught(self.worker.take());
                return tell(result, Status::Panicked, &Panic::caught(payload));
            }
        };
        let encoded = catch_unwind(AssertUnwindSafe(|| postcard::to_extend(&output, std::mem::take(result))));
        drop_caught(output);
        match encoded {
            Ok(Ok(bytes)) if bytes.len() > max => {
                tell(result, Status::NotSent, &format!("its output takes {} bytes, and the limit is {max}", bytes.len()))
            }
            Ok(Ok(bytes)) => {
                *result = bytes;
                Status::Done
            }
            Ok(Err(error)) => tell(result, Status::NotSent, &format!("its output cannot be encoded: {error}")),
            Err(payload) => tell(result, Status::Panicked, &Panic::caught(payload)),
        }
    }
}

/// Appends what is told beside a status.
fn tell(result: &mut Vec<u8>, status: Status, what: &(impl Serialize + ?Sized)) -> Status {
    result.clear();
    *result = postcard::to_stdvec(what).unwrap_or_default();
    status
}
