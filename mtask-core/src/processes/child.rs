//! The child's side: a process that builds one worker and serves it.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::body::{self, Item, Status};
use super::frame::{self, Kind, VERSION};
use super::host::MAX_FAILED_BUILDS;
use super::incoming::Incoming;
use super::registry;
use super::remote::RemoteError;
use super::{apart, codec, door};
use crate::error::{BoxError, PanicPayload, drop_caught};
use crate::sync::{Arc, AtomicBool, AtomicU64, Condvar, Mutex, Ordering, lock, wait, wait_timeout};
use crate::{BuildError, Context, Finish, Spec, TaskError, Worker};

/// What the parent calls a child, where programs have their name.
pub(super) const NAME: &str = "mtask-worker";

/// The exit code of a child whose worker panicked while it was dropped, as that of a panic in Rust.
pub(super) const DESTRUCTOR_PANICKED: i32 = 101;
/// That has happened here.
static DESTRUCTORS_PANICKED: AtomicBool = AtomicBool::new(false);

/// What the parent writes to the lifeline when the run is over.
pub(super) const END: u8 = b'e';
/// What it writes there where frames are not wanted any more, and later ones may come: and after it how
/// many frames those are, counted from the first of all, in eight bytes.
pub(super) const SKIP: u8 = b's';

/// How often a child looks whether its parent is there: a process that the parent has forked may hold
/// the lifeline.
const ORPHANED: Duration = Duration::from_millis(500);

/// For how long results are kept back while items are cheap, and how often it is looked whether one
/// lies behind an item that is not.
const FLUSH: Duration = Duration::from_millis(1);
/// After so many looks at which nothing was kept back the one who looks goes to sleep.
const LOOKS: usize = 100;
/// So many bytes of results are sent at once.
pub(super) const ENOUGH: usize = 64 * 1024;

/// How a parent begins.
#[derive(Serialize, Deserialize)]
pub(super) struct Hello {
    pub(super) version: u32,
    /// The name of the worker.
    pub(super) worker: String,
    /// Which of the run's workers it is.
    pub(super) number: usize,
    /// Its summary is asked for at its end.
    pub(super) finishes: bool,
    /// The most bytes of an item, or of an error of one.
    pub(super) max: usize,
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

impl NotBuilt {
    /// Cuts what is too long to be told.
    fn shortened(mut self) -> Self {
        match &mut self {
            Self::Returned(error) => error.shorten(frame::TEXT),
            Self::Panicked(panic) => frame::shorten(&mut panic.message, frame::TEXT),
            Self::Refused(reason) => frame::shorten(reason, frame::TEXT),
        }
        self
    }
}

/// A panic, told.
#[derive(Serialize, Deserialize)]
pub(super) struct Panic {
    pub(super) message: String,
    pub(super) location: Option<String>,
}

/// Serves until the parent is through with this process, and ends it.
pub(super) fn run() -> ! {
    apart::keep_apart();
    let code = match Session::open().and_then(|mut session| session.run()) {
        Ok(()) if DESTRUCTORS_PANICKED.load(Ordering::Relaxed) => DESTRUCTOR_PANICKED,
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
    incoming: Incoming,
    results: Arc<Results>,
    /// Which of the run's workers this is.
    number: usize,
    /// The most bytes of an item, or of its output.
    max: usize,
    /// Where among what has arrived the spec is.
    spec: Range<usize>,
}

/// Results on their way to the parent.
#[derive(Debug)]
struct Results {
    /// Where frames come from and go.
    stream: UnixStream,
    kept: Mutex<Kept>,
    /// Where the one sleeps who looks after what is kept back.
    wanted: Condvar,
    /// The number of the first frame that the parent still wants; of those before, the rest is not run.
    wanted_from: AtomicU64,
}

/// Results that are kept back, to be sent with others of their frame.
#[derive(Debug, Default)]
struct Kept {
    /// The number of the frame of work, and the results.
    body: Vec<u8>,
    /// How many results there have been.
    count: u64,
    /// Nobody looks after them.
    is_unwatched: bool,
}

/// Of which item a result is.
struct Place {
    frame: u64,
    index: u64,
    /// It is the last of its frame.
    is_last: bool,
}

impl Results {
    /// Sends what there is.
    fn flush(&self, kept: &mut Kept) -> io::Result<()> {
        if !kept.body.is_empty() {
            frame::write(&self.stream, Kind::Results, [&kept.body, &[]])?;
            kept.body.clear();
        }
        Ok(())
    }

    /// Adds a result; sends what there is if `now`, and in any case if it is the last of its frame.
    fn add(&self, place: Place, status: Status, result: &[u8], now: bool) -> io::Result<bool> {
        let mut kept = lock(&self.kept);
        kept.count += 1;
        if kept.body.is_empty() {
            kept.body.extend_from_slice(&place.frame.to_le_bytes());
        }
        body::append_result_head(&mut kept.body, place.index, status, result.len());
        if now || place.is_last || kept.body.len() + result.len() >= ENOUGH {
            let kind = if place.is_last { Kind::Last } else { Kind::Results };
            frame::write(&self.stream, kind, [&kept.body, result])?;
            frame::clear(&mut kept.body);
            return Ok(true);
        }
        kept.body.extend_from_slice(result);
        if kept.is_unwatched {
            self.wanted.notify_one();
        }
        Ok(false)
    }

    /// Sends results that wait behind a slow item.
    fn look_after(&self) {
        let mut kept = lock(&self.kept);
        let (mut seen, mut idle) = (0, 0);
        loop {
            kept = wait_timeout(&self.wanted, kept, Some(FLUSH));
            if kept.body.is_empty() {
                idle += 1;
                if idle == LOOKS {
                    kept.is_unwatched = true;
                    while kept.body.is_empty() {
                        kept = wait(&self.wanted, kept);
                    }
                    kept.is_unwatched = false;
                    idle = 0;
                }
                continue;
            }
            idle = 0;
            if kept.count == seen {
                // What does not arrive is the parent's end, which is seen at the lifeline.
                let _ = self.flush(&mut kept);
            }
            seen = kept.count;
        }
    }
}

impl Session {
    /// Greets the parent, by the socket that it has left as standard input.
    fn open() -> io::Result<Self> {
        let [stream, lifeline] = door::greet(io::stdin()).map_err(|error| {
            let what = format!("this program is started by mtask, and not by hand ({error})");
            io::Error::other(what)
        })?;
        rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
        rustix::stdio::dup2_stdout(io::stderr())?;
        let results = Arc::new(Results {
            stream,
            kept: Mutex::default(),
            wanted: Condvar::new(),
            wanted_from: AtomicU64::new(0),
        });
        let watched = Arc::clone(&results);
        let watch = move || watch(lifeline, &watched.wanted_from);
        thread::Builder::new().name("mtask-watch".to_owned()).spawn(watch)?;
        let looked_after = Arc::clone(&results);
        let look_after = move || looked_after.look_after();
        thread::Builder::new().name("mtask-flush".to_owned()).spawn(look_after)?;
        Ok(Self { incoming: Incoming::default(), results, number: 0, max: frame::MAX, spec: 0..0 })
    }

    fn run(&mut self) -> io::Result<()> {
        let Some((Kind::Hello, body)) = self.incoming.next(&self.results.stream, frame::HELLO)?
        else {
            return Err(io::Error::other("the parent does not say hello"));
        };
        let entry = self.greeted(body);
        let Some((Kind::Spec, spec)) =
            self.incoming.next(&self.results.stream, frame::most(self.max))?
        else {
            return Err(io::Error::other("the parent sends no spec"));
        };
        self.spec = spec;
        match entry {
            Ok(entry) => entry.serve(self),
            Err(reason) => self.refuse(NotBuilt::Refused(reason)),
        }
    }

    /// Reads the parent's hello, and does what it asks for before the worker is built.
    fn greeted(&mut self, body: Range<usize>) -> Result<&'static registry::Entry, String> {
        let hello: Hello = codec::decode(self.incoming.body(body))
            .map_err(|error| format!("the parent's hello is not understood: {error}"))?;
        if hello.version != VERSION {
            return Err(format!("the parent speaks version {}, not {VERSION}", hello.version));
        }
        (self.number, self.max) = (hello.number, hello.max);
        if let Some(bytes) = hello.memory_limit {
            let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
            setrlimit(Resource::As, limit).map_err(|error| {
                format!("a memory limit of {bytes} bytes cannot be set: {error}")
            })?;
        }
        if let Some(by) = hello.nice {
            rustix::process::nice(by)
                .map_err(|error| format!("the priority cannot be changed by {by}: {error}"))?;
        }
        registry::find(&hello.worker, hello.finishes)
    }

    /// Tells what the worker leaves, or why that is nothing.
    fn leave(&self, status: Status, bytes: &[u8]) -> io::Result<()> {
        frame::write(&self.results.stream, Kind::Summary, [&[status as u8], bytes])
    }

    fn refuse(&self, reason: NotBuilt) -> io::Result<()> {
        let body = codec::to_bytes(&reason.shortened()).map_err(io::Error::other)?;
        frame::write(&self.results.stream, Kind::NotBuilt, [&body, &[]])
    }
}

/// Waits for the parent's word that frames are not wanted any more, and for its death.
fn watch(mut lifeline: UnixStream, wanted_from: &AtomicU64) {
    let _ = lifeline.set_read_timeout(Some(ORPHANED));
    // What is sent at once comes at once, so that no part of it is lost to the time limit.
    let mut read = |bytes: &mut [u8]| loop {
        match lifeline.read_exact(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && !apart::is_orphan() => {}
            outcome => return outcome,
        }
    };
    let mut next = || {
        let (mut word, mut frames) = ([0], [0; 8]);
        read(&mut word)?;
        if word == [SKIP] {
            read(&mut frames)?;
            return Ok(u64::from_le_bytes(frames));
        }
        Ok::<_, io::Error>(u64::MAX)
    };
    loop {
        match next() {
            Ok(from) => _ = wanted_from.fetch_max(from, Ordering::Relaxed),
            Err(error) => {
                // Otherwise the worker has closed it: what comes of that is the parent's to say.
                while !apart::is_orphan() && error.kind() != io::ErrorKind::UnexpectedEof {
                    thread::sleep(ORPHANED);
                }
                // Whatever is going on, nobody waits for it any more.
                apart::end_group();
            }
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

/// How tokio's panics begin where a runtime is used, or dropped, inside another.
const WITHIN_RUNTIME: [&str; 2] =
    ["Cannot start a runtime from within a runtime", "Cannot drop a runtime in a context where"];
const PLAIN_MAIN: &str = " (a worker's process runs inside `mtask::init()`: if that is called in an `async fn \
     main`, make `main` a plain function that calls it first and builds the runtime afterwards)";

/// Drops a worker, and notes that its destructor panicked.
fn drop_worker<W>(worker: W) {
    if drop_caught(worker) {
        DESTRUCTORS_PANICKED.store(true, Ordering::Relaxed);
    }
}

impl Panic {
    fn caught(payload: Box<dyn Any + Send>) -> Self {
        let mut message = PanicPayload::text(&*payload).to_owned();
        drop_caught(payload);
        if WITHIN_RUNTIME.iter().any(|begin| message.starts_with(begin)) {
            message.push_str(PLAIN_MAIN);
        }
        frame::shorten(&mut message, frame::TEXT);
        Self { message, location: LOCATION.take() }
    }
}

/// Builds a worker from a spec, which was sent.
fn build<S: Spec<W>, W>(spec: &S) -> Result<W, NotBuilt> {
    // What the error says of itself is the user's code too.
    let build = || spec.build().map_err(|error| RemoteError::of(error.get_ref()));
    match catch_unwind(AssertUnwindSafe(build)) {
        Ok(Ok(worker)) => Ok(worker),
        Ok(Err(error)) => Err(NotBuilt::Returned(error)),
        Err(payload) => Err(NotBuilt::Panicked(Panic::caught(payload))),
    }
}

/// Builds the worker and runs what the parent sends, to the end of the conversation.
///
/// # Errors
///
/// Where the parent cannot be reached, or is not understood.
pub(super) fn serve<S, W>(session: &mut Session) -> io::Result<()>
where
    S: Spec<W> + DeserializeOwned,
    W: Worker,
    W::Input: DeserializeOwned,
    W::Output: Serialize,
{
    if let Some(worker) = serve_all::<S, W>(session)? {
        drop_worker(worker);
    }
    Ok(())
}

/// The same, and finishes the worker at its end and sends what it leaves.
///
/// # Errors
///
/// Where the parent cannot be reached, or is not understood.
pub(super) fn serve_and_finish<S, W>(session: &mut Session) -> io::Result<()>
where
    S: Spec<W> + DeserializeOwned,
    W: Finish,
    W::Input: DeserializeOwned,
    W::Output: Serialize,
    W::Summary: Serialize,
{
    let Some(worker) = serve_all::<S, W>(session)? else { return Ok(()) };
    let (status, bytes) = match catch_unwind(AssertUnwindSafe(|| worker.finish())) {
        Ok(summary) => {
            let encoded = codec::to_bytes(&summary);
            drop_caught(summary);
            let reason = match encoded {
                Ok(bytes) if bytes.len() <= session.max => {
                    return session.leave(Status::Done, &bytes);
                }
                Ok(bytes) => frame::over_limit("summary", bytes.len(), session.max),
                Err(error) => format!("its summary cannot be encoded: {error}"),
            };
            (Status::NotSent, codec::to_bytes(&reason))
        }
        Err(payload) => (Status::Panicked, codec::to_bytes(&Panic::caught(payload))),
    };
    session.leave(status, &bytes.map_err(io::Error::other)?)
}

/// Builds the worker, runs what the parent sends, and gives the worker back where it is whole.
fn serve_all<S, W>(session: &mut Session) -> io::Result<Option<W>>
where
    S: Spec<W> + DeserializeOwned,
    W: Worker,
    W::Input: DeserializeOwned,
    W::Output: Serialize,
{
    note_locations();
    let built = match codec::decode::<S>(session.incoming.body(session.spec.clone())) {
        Ok(spec) => build(&spec).map(|worker| (spec, worker)),
        Err(error) => Err(NotBuilt::Refused(format!("the spec cannot be decoded: {error}"))),
    };
    let (spec, worker) = match built {
        Ok(built) => built,
        Err(reason) => return session.refuse(reason).map(|()| None),
    };
    frame::write(&session.results.stream, Kind::Ready, [&[], &[]])?;
    let Session { number, max, .. } = *session;
    let mut served = Served {
        spec,
        worker: Some(worker),
        number,
        failed_builds: 0,
        frame: 0,
        attempt: 1,
        result: Vec::new(),
        max,
    };
    let ended = served.all(session);
    let worker = served.worker.take();
    if let Err(error) = ended {
        drop_worker(worker);
        return Err(error);
    }
    Ok(worker)
}

/// The worker of a child.
struct Served<S, W> {
    spec: S,
    /// `None` after a panic, until it is built anew.
    worker: Option<W>,
    /// Which of the run's workers it is.
    number: usize,
    /// Failed builds since the last success. After too many nothing is run any more: the parent gives the items
    /// to other workers.
    failed_builds: usize,
    /// The number of the frame in progress, counted from 0.
    frame: u64,
    /// How often its items have been begun, this time included.
    attempt: usize,
    /// What is told of an item.
    result: Vec<u8>,
    /// The most bytes of an output.
    max: usize,
}

impl<S, W> Served<S, W>
where
    S: Spec<W>,
    W: Worker,
    W::Input: DeserializeOwned,
    W::Output: Serialize,
{
    /// Runs frames until there are no more.
    fn all(&mut self, session: &mut Session) -> io::Result<()> {
        let Session { incoming, results, max, .. } = session;
        while let Some((kind, body)) = incoming.next(&results.stream, frame::most(*max))? {
            let mut items = incoming.body(body);
            let attempt = (kind == Kind::Work).then(|| body::split_number(&mut items)).flatten();
            let Some(attempt) = attempt else {
                let what = format!("a frame of kind {kind:?} is out of place");
                return Err(io::Error::other(what));
            };
            self.attempt = usize::try_from(attempt).unwrap_or(usize::MAX);
            self.run(items, results)?;
            self.frame += 1;
        }
        Ok(())
    }

    /// Runs the items of a frame.
    fn run(&mut self, mut items: &[u8], results: &Results) -> io::Result<()> {
        let mut flushed = Instant::now();
        while let Some(item) = body::split_item(&mut items) {
            let wanted_from = &results.wanted_from;
            let goes_on = self.failed_builds < MAX_FAILED_BUILDS
                && self.frame >= wanted_from.load(Ordering::Relaxed);
            frame::clear(&mut self.result);
            let place = Place { frame: self.frame, index: item.index, is_last: items.is_empty() };
            let status = if goes_on { self.run_one(&item, wanted_from) } else { Status::NotRun };
            let now = flushed.elapsed() >= FLUSH;
            if results.add(place, status, &self.result, now)? {
                flushed = Instant::now();
            }
        }
        frame::clear(&mut self.result);
        Ok(())
    }

    /// Runs an item and leaves what is to be told of it.
    fn run_one(&mut self, item: &Item<'_>, wanted_from: &AtomicU64) -> Status {
        let input: W::Input = match codec::decode(item.input) {
            Ok(input) => input,
            Err(error) => return self.not_sent(format!("its input cannot be decoded: {error}")),
        };
        let worker = match &mut self.worker {
            Some(worker) => worker,
            none => match build(&self.spec) {
                Ok(worker) => {
                    self.failed_builds = 0;
                    none.insert(worker)
                }
                Err(reason) => {
                    self.failed_builds += 1;
                    drop_caught(input);
                    return self.tell(Status::NotBuilt, &reason.shortened());
                }
            },
        };
        let index = usize::try_from(item.index).unwrap_or(usize::MAX);
        let context = Context::in_child(self.number, index, wanted_from, self.frame);
        let context = context.at_attempt(self.attempt);
        let output = match catch_unwind(AssertUnwindSafe(|| worker.call_with(input, &context))) {
            Ok(output) => output,
            Err(payload) => {
                let panic = Panic::caught(payload);
                drop_worker(self.worker.take());
                return self.tell(Status::Panicked, &panic);
            }
        };
        let encoded = codec::encode(&mut self.result, &output);
        drop_caught(output);
        match encoded {
            Ok(()) if self.result.len() <= self.max => Status::Done,
            Ok(()) => self.not_sent(frame::over_limit("output", self.result.len(), self.max)),
            Err(error) => self.not_sent(format!("its output cannot be encoded: {error}")),
        }
    }

    fn not_sent(&mut self, mut reason: String) -> Status {
        frame::shorten(&mut reason, frame::TEXT);
        self.tell(Status::NotSent, &reason)
    }

    /// Leaves what is told beside a status.
    fn tell(&mut self, status: Status, what: &impl Serialize) -> Status {
        frame::clear(&mut self.result);
        // Texts can be encoded, all of them.
        let _ = codec::encode(&mut self.result, what);
        status
    }
}
