//! The child's side: a process that builds one worker and serves it.

mod results;
mod served;
mod told;

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process;
use std::thread;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

pub(super) use told::{NotBuilt, Panic};

use super::body::Status;
use super::frame::{self, Kind, VERSION};
use super::incoming::Incoming;
use super::registry;
use super::remote::RemoteError;
use super::{apart, codec, door};
use crate::error::drop_caught;
use crate::sync::{Arc, AtomicBool, AtomicU64, Condvar, Mutex, Ordering};
use crate::{Finish, Spec, Worker};
use results::Results;
use served::Served;
use told::note_locations;

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

/// Drops a worker, and notes that its destructor panicked.
fn drop_worker<W>(worker: W) {
    if drop_caught(worker) {
        DESTRUCTORS_PANICKED.store(true, Ordering::Relaxed);
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
        is_given_up: false,
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
