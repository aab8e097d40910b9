//! What several tests use.

use std::fmt;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// After so long a test has failed, however slow the machine.
const LIMIT: Duration = Duration::from_secs(60);

/// Long enough for threads to do what they must not do, if they are going to.
const SETTLE: Duration = Duration::from_millis(30);

/// How a run was started, for the messages of a test that goes through all the ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Way {
    pub(crate) start: &'static str,
    pub(crate) ordered: bool,
}

/// Runs a block once for each way to start a run beside the consumer: `par_stateful`,
/// `par_stateful_local` and in a scope, each in input order and not.
///
/// In the block the first name is a function from a source and specs to the run, to be called
/// once, and the second a [`Way`].
macro_rules! each_way {
    (|$start:ident, $way:ident| $body:block) => {
        for ordered in [true, false] {
            let $way = crate::util::Way { start: "par_stateful_local", ordered };
            let $start = |source, specs| {
                let results = mtask::par_stateful_local(source, specs);
                if ordered { results } else { results.unordered() }
            };
            $body
        }
        crate::util::each_pulling_way!(|$start, $way| $body);
    };
}
pub(crate) use each_way;

/// As [`each_way`], for the runs whose workers pull the source: all but `par_stateful_local`.
macro_rules! each_pulling_way {
    (|$start:ident, $way:ident| $body:block) => {
        for ordered in [true, false] {
            {
                let $way = crate::util::Way { start: "par_stateful", ordered };
                let $start = |source, specs| {
                    let results = mtask::par_stateful(source, specs);
                    if ordered { results } else { results.unordered() }
                };
                $body
            }
            mtask::scope(|scope| {
                let $way = crate::util::Way { start: "scope", ordered };
                let $start = |source, specs| {
                    let results = scope.par_stateful(source, specs);
                    if ordered { results } else { results.unordered() }
                };
                $body
            });
        }
    };
}
pub(crate) use each_pulling_way;

/// Runs the body of a test in a thread of its own; one that hangs fails.
pub(crate) fn watched<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> T {
    watched_for(LIMIT, body)
}

/// As [`watched`], for a test that takes longer.
pub(crate) fn watched_for<T: Send + 'static>(
    limit: Duration,
    body: impl FnOnce() -> T + Send + 'static,
) -> T {
    let (ended, end) = mpsc::channel::<()>();
    let body = thread::spawn(move || {
        let _ended = ended;
        body()
    });
    if let Err(mpsc::RecvTimeoutError::Timeout) = end.recv_timeout(limit) {
        panic!("the test hangs: it has not ended after {limit:?}\n{}", live_runs());
    }
    body.join().unwrap_or_else(|payload| resume_unwind(payload))
}

/// The runs of this process, and where they are.
#[cfg(debug_assertions)]
pub(crate) fn live_runs() -> String {
    mtask::__private::live_runs()
}

/// Without debug assertions they are not known.
#[cfg(not(debug_assertions))]
pub(crate) fn live_runs() -> String {
    String::new()
}

/// How many times a test repeats a race: `MTASK_TEST_RUNS`, or `few`.
pub(crate) fn runs(few: u64) -> u64 {
    let runs = std::env::var("MTASK_TEST_RUNS");
    runs.map_or(few, |runs| runs.parse().expect("MTASK_TEST_RUNS is a number"))
}

/// Waits for what must happen.
#[track_caller]
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < LIMIT / 2, "never came true: {what}");
        thread::sleep(Duration::from_micros(200));
    }
}

/// Gives threads the time to do what they must not do.
pub(crate) fn settle() {
    thread::sleep(SETTLE);
}

/// A number that threads count up, or up and down.
#[derive(Clone, Default)]
pub(crate) struct Count(Arc<AtomicUsize>);

impl Count {
    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// Counts one more; gives the number before.
    pub(crate) fn add(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst)
    }

    /// Counts one more for as long as the token lives.
    pub(crate) fn token(&self) -> Token {
        self.add();
        Token(self.clone())
    }
}

impl fmt::Debug for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

/// Something that is counted while it lives; made by [`Count::token`].
#[derive(Debug)]
pub(crate) struct Token(Count);

impl Clone for Token {
    fn clone(&self) -> Self {
        self.0.token()
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A source that counts what was pulled.
pub(crate) fn counted<I: IntoIterator>(iter: I) -> (Counted<I::IntoIter>, Count) {
    let pulled = Count::default();
    (Counted { iter: iter.into_iter(), pulled: pulled.clone() }, pulled)
}

/// The source of [`counted`]. An item counts once `next` has been asked for it.
pub(crate) struct Counted<I> {
    iter: I,
    pulled: Count,
}

impl<I: Iterator> Iterator for Counted<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        let item = self.iter.next()?;
        self.pulled.add();
        Some(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.iter.size_hint()
    }
}

impl<I: ExactSizeIterator> ExactSizeIterator for Counted<I> {}

/// Blocks threads that want to pass, until it is opened.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<GateState>);

#[derive(Default)]
struct GateState {
    open: Mutex<bool>,
    opened: Condvar,
    /// How many have come, those that passed included.
    came: AtomicUsize,
}

impl Gate {
    /// Waits until the gate is open. Panics where that never happens, so that a test which fails
    /// with a closed gate does not hang as well.
    pub(crate) fn pass(&self) {
        self.0.came.fetch_add(1, Ordering::SeqCst);
        let open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut open, timeout) = self
            .0
            .opened
            .wait_timeout_while(open, LIMIT / 2, |open| !*open)
            .unwrap_or_else(PoisonError::into_inner);
        // Open from here on, also to a test that asks: it waited for what came only by this.
        *open = true;
        drop(open);
        assert!(!timeout.timed_out(), "the gate was never opened");
    }

    pub(crate) fn open(&self) {
        *self.0.open.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.opened.notify_all();
    }

    pub(crate) fn is_open(&self) -> bool {
        *self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `n` have come to the gate.
    #[track_caller]
    pub(crate) fn wait_for(&self, n: usize) {
        eventually("enough threads stand at the gate", || self.came() >= n);
    }

    /// How many have come, those that passed included.
    pub(crate) fn came(&self) -> usize {
        self.0.came.load(Ordering::SeqCst)
    }

    /// Opens the gate when the guard is dropped, also by a failing assertion.
    pub(crate) fn open_on_drop(&self) -> OpenOnDrop {
        OpenOnDrop(self.clone())
    }
}

/// The guard of [`Gate::open_on_drop`].
pub(crate) struct OpenOnDrop(Gate);

impl Drop for OpenOnDrop {
    fn drop(&mut self) {
        self.0.open();
    }
}

/// A source of `items` that stands at `gate` before it gives the item at `at`.
pub(crate) fn stalled<I: IntoIterator>(
    items: I,
    at: usize,
    gate: &Gate,
) -> impl Iterator<Item = I::Item> + use<I> {
    let gate = gate.clone();
    let mut items = items.into_iter().enumerate();
    std::iter::from_fn(move || {
        let (index, item) = items.next()?;
        if index == at {
            gate.pass();
        }
        Some(item)
    })
}

/// A small generator of numbers (an xorshift), so that a failing run can be repeated by its seed.
#[derive(Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        // Spreads small seeds, and never gives the 0 that an xorshift cannot leave.
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 16) % limit as u64).expect("it is below a usize")
    }

    /// True once in `n` times.
    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

/// What the system knows of this process.
#[cfg(target_os = "linux")]
pub(crate) mod process {
    use std::fs;
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use super::eventually;

    /// Tells the process of [`alone`] which test it is there for.
    const ALONE: &str = "MTASK_TEST_ALONE";

    /// Runs the body of a test in a process of its own, where no other test adds threads, memory
    /// or panics. It has to be the whole body, given as a closure.
    pub(crate) fn alone<F: FnOnce()>(body: F) {
        // A closure's type is named after the test it stands in: `it::stress::test::{{closure}}`.
        let path = std::any::type_name::<F>();
        let test = path.split("::{{closure}}").next().expect("there is a first part");
        let (_, test) = test.split_once("::").expect("it starts with the crate's name");
        let end = format!("{ALONE} has run {test}");
        if std::env::var(ALONE).is_ok_and(|alone| alone == test) {
            body();
            eprintln!("{end}");
            return;
        }
        let exe = std::env::current_exe().expect("this program has a path");
        let output = Command::new(exe)
            .args([test, "--exact", "--include-ignored", "--nocapture", "--test-threads", "1"])
            .env(ALONE, test)
            .stdin(Stdio::null())
            .output()
            .expect("this program starts again");
        let (out, err) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{test} fails in its own process:\n{out}\n{err}");
        // A name that finds no test is a success too, and so has to be told apart.
        assert!(err.contains(&end), "{test} was not found by its name:\n{out}\n{err}");
        eprintln!("{err}");
    }

    /// How many threads there are.
    pub(crate) fn threads() -> usize {
        fs::read_dir("/proc/self/task").expect("threads are listed").count()
    }

    /// Waits until there are as many threads as before. The system lists one for a moment after
    /// it was joined.
    #[track_caller]
    pub(crate) fn wait_for_threads(before: usize) {
        eventually("the threads are gone", || threads() <= before);
    }

    /// Memory in use, in bytes.
    pub(crate) fn resident() -> usize {
        let status = fs::read_to_string("/proc/self/status").expect("the process has a status");
        field(&status, "VmRSS:") * 1024
    }

    /// Time that all threads there are now have spent on a processor.
    pub(crate) fn cpu_time() -> Duration {
        let nanos = per_thread("schedstat", |text| {
            let first = text.split_whitespace().next().expect("the time is the first field");
            first.parse().expect("it is a number")
        });
        Duration::from_nanos(nanos as u64)
    }

    /// How often threads there are now went to sleep: each time, they were awake before.
    pub(crate) fn sleeps() -> usize {
        per_thread("status", |text| field(text, "voluntary_ctxt_switches:"))
    }

    /// The sum of a number over all threads.
    fn per_thread(file: &str, read: impl Fn(&str) -> usize) -> usize {
        let tasks = fs::read_dir("/proc/self/task").expect("threads are listed");
        tasks
            .filter_map(|task| fs::read_to_string(task.ok()?.path().join(file)).ok())
            .map(|text| read(&text))
            .sum()
    }

    fn field(text: &str, name: &str) -> usize {
        let line = text.lines().find(|line| line.starts_with(name)).expect("the field is there");
        let number = line.split_whitespace().nth(1).expect("it has a value");
        number.parse().expect("it is a number")
    }
}
