//! How processes end: what a worker does last, what ends with it, and how that is said.

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{self, Command, Stdio};
use std::time::Duration;
use std::{fs, thread};

use mtask::Processes;
use mtask::prelude::*;
use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use crate::system::{Folder, children, descriptors, is_alive, kill};
use crate::util::process::{alone, resident};
use crate::util::{eventually, runs, watched};
use crate::worker::{self, Answer, Build, Obedient, Order};

/// What a worker does last.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Last {
    Panic,
    Signal,
    Exit,
    Sleep,
}

impl Last {
    fn happen(self) {
        match self {
            Self::Panic => panic!("the disk is full"),
            Self::Signal => kill(process::id(), Signal::KILL),
            Self::Exit => process::exit(3),
            Self::Sleep => {}
        }
        thread::sleep(Duration::from_secs(600));
    }
}

struct Finishes(Last);

#[delayed_init(remote)]
impl Finishes {
    fn new(last: Last) -> Self {
        Self(last)
    }

    fn call(&mut self, x: u64) -> u64 {
        x
    }

    fn finish(self) -> u64 {
        self.0.happen();
        0
    }
}

#[test]
fn a_worker_that_does_not_come_to_the_end_of_finish_leaves_an_error() {
    watched(|| {
        for (last, told) in [
            (Last::Signal, "was lost: its process ended with signal: 9"),
            (Last::Exit, "was lost: its process ended with exit status: 3"),
            (Last::Sleep, "took longer than 300ms, the `finish_timeout`, to finish"),
        ] {
            let limit = Duration::from_millis(300);
            let run = par_stateful(0..4, [Finishes::spec(last)]).with_summaries();
            let run = run.backend(Processes::new());
            let mut run = if let Last::Sleep = last { run.finish_timeout(limit) } else { run };
            assert_eq!(run.by_ref().filter(Result::is_ok).count(), 4);
            let summaries = run.into_summaries();
            let [(0, Err(error))] = &summaries[..] else { panic!("{last:?}: {summaries:?}") };
            assert!(error.to_string().contains(told), "{last:?}: {error}");
        }
    });
}

struct Drops(Last);

#[delayed_init(remote)]
impl Drops {
    fn new(last: Last) -> Self {
        Self(last)
    }

    fn call(&mut self, x: u64) -> u64 {
        x
    }
}

impl Drop for Drops {
    fn drop(&mut self) {
        self.0.happen();
    }
}

#[test]
fn a_destructor_that_panics_or_ends_its_process_is_counted_and_is_an_event() {
    watched(|| {
        let told = [
            (Last::Panic, [1, 0], "destructor panicked", None),
            (Last::Signal, [0, 1], "process ended", Some("signal: 9 (SIGKILL)")),
            (Last::Exit, [0, 1], "process ended", Some("exit status: 3")),
            (
                Last::Sleep,
                [0, 1],
                "process ended",
                Some(
                    "a kill by mtask, since it was told to end, and the `finish_timeout` was over",
                ),
            ),
        ];
        for (last, counts, message, status) in told {
            let run = || {
                let limit = Duration::from_millis(300);
                let run = par_stateful(0..4, [Drops::spec(last)]).backend(Processes::new());
                let mut run = if let Last::Sleep = last { run.finish_timeout(limit) } else { run };
                assert_eq!(run.by_ref().filter(Result::is_ok).count(), 4);
                let stats = run.stats();
                assert_eq!([stats.destructor_panics, stats.unclean_ends], counts, "{last:?}");
            };
            #[cfg(feature = "tracing")]
            {
                let collector = crate::collector::Collector::default();
                collector.hear(run);
                let [event] = &collector.events(message)[..] else { panic!("{last:?}") };
                assert_eq!(event.get("status"), status, "{last:?}");
            }
            #[cfg(not(feature = "tracing"))]
            {
                let _ = (message, status);
                run();
            }
        }
    });
}

/// Has a worker start a program that sleeps, and gives the number of that.
fn started(folder: &Folder, how: &str) -> [Order; 1] {
    [Order::Detached(format!("{how} sleep 600 & echo $! > {}", folder.path("pid")))]
}

#[test]
fn what_a_worker_has_started_ends_with_it() {
    watched(|| {
        let limit = Duration::from_millis(500);
        for end in
            [None, Some(Order::Exit(3)), Some(Order::Signal(9)), Some(Order::Sleep(100 * limit))]
        {
            let folder = Folder::new();
            let orders = started(&folder, "").into_iter().chain(end.clone());
            let backend = Processes::new().task_timeout(limit);
            let run = par_stateful(orders, [Obedient::spec(Build::Well)]).backend(backend);
            assert_eq!(run.filter(Result::is_err).count(), usize::from(end.is_some()));
            let pid = folder.wait_for("pid").trim().parse().unwrap();
            eventually(&format!("it has ended, after {end:?}"), || !is_alive(pid));
        }
    });
}

#[test]
fn what_leads_a_session_of_its_own_outlives_its_worker() {
    watched(|| {
        let folder = Folder::new();
        let mut run = par_stateful(
            started(&folder, "setsid")
                .into_iter()
                .chain([Order::Sleep(Duration::from_millis(100))]),
            [Obedient::spec(Build::Well)],
        )
        .backend(Processes::new());
        assert_eq!(run.by_ref().filter(Result::is_ok).count(), 2);
        drop(run);
        let pid = folder.wait_for("pid").trim().parse().unwrap();
        assert!(is_alive(pid));
        kill(pid, Signal::KILL);
    });
}

/// Where the program of the next test leaves notes, in the process that is it.
const FORKED: &str = "MTASK_TEST_FORKED";

#[test]
fn children_end_with_their_parent_also_where_another_process_has_its_sockets() {
    watched(|| {
        if let Ok(folder) = std::env::var(FORKED) {
            let order = Order::Announce(format!("{folder}/worker"));
            let specs = [Obedient::spec(Build::Well)];
            let run = par_stateful([order], specs).backend(Processes::new()).start();
            while fs::read_to_string(format!("{folder}/worker")).unwrap_or_default().is_empty() {
                thread::sleep(Duration::from_millis(1));
            }
            // As a fork has them, which lives on.
            let [input, output] = worker::sockets();
            let fork = Command::new("sleep").arg("600").stdin(input).stdout(output).spawn();
            fs::write(format!("{folder}/fork"), fork.unwrap().id().to_string()).unwrap();
            run.for_each(drop);
            return;
        }
        let folder = Folder::new();
        let test =
            "ends::children_end_with_their_parent_also_where_another_process_has_its_sockets";
        let mut program = Command::new(std::env::current_exe().unwrap())
            .args([test, "--exact", "--nocapture", "--test-threads=1"])
            .env(FORKED, folder.path(""))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let [fork, worker] = ["fork", "worker"].map(|it| folder.wait_for(it).parse().unwrap());
        program.kill().unwrap();
        program.wait().unwrap();
        eventually("the worker has ended", || !is_alive(worker));
        assert!(is_alive(fork), "nothing had its sockets");
        kill(fork, Signal::KILL);
    });
}

/// What a script prints that a worker runs.
fn said_by(script: &str) -> String {
    let orders = [Order::Shell(script.to_owned())];
    let mut run = par_stateful(orders, [Obedient::spec(Build::Well)]).backend(Processes::new());
    match run.next() {
        Some(Ok(Answer::Text(Some(text)))) => text.trim().to_owned(),
        other => panic!("no text: {other:?}"),
    }
}

#[test]
fn a_child_has_a_name_and_a_session_of_its_own_and_is_the_first_to_go_where_memory_runs_out() {
    let told = said_by("cat /proc/$PPID/comm /proc/$PPID/oom_score_adj /proc/$PPID/stat");
    let mut lines = told.lines();
    assert_eq!(lines.next(), Some("mtask-worker"));
    let adj = |text: &str| text.trim().parse::<i32>().unwrap();
    let ours = adj(&fs::read_to_string("/proc/self/oom_score_adj").unwrap());
    assert_eq!(adj(lines.next().unwrap()), (ours + 100).min(1_000));
    let stat = lines.next().unwrap();
    let (pid, rest) = stat.split_once(" (mtask-worker) ").unwrap();
    // State, parent, group, session, terminal: none, so that `stty tostop` does not stop it.
    let fields: Vec<_> = rest.split(' ').collect();
    assert_eq!(fields[2..5], [pid, pid, "0"], "{stat}");
}

#[test]
fn a_child_does_not_inherit_what_is_open_across_exec() {
    alone(|| {
        let (ours, _other) = UnixStream::pair().unwrap();
        // As most libraries in C leave their descriptors.
        let ours = OwnedFd::from(ours);
        let link = |fd: &OwnedFd| {
            let number = std::os::fd::AsRawFd::as_raw_fd(fd) as u32;
            descriptors().into_iter().find(|(fd, _)| *fd == number).unwrap().1
        };
        rustix::io::fcntl_setfd(ours.as_fd(), rustix::io::FdFlags::empty()).unwrap();
        let orders = [Order::Descriptors];
        let mut run = par_stateful(orders, [Obedient::spec(Build::Well)]).backend(Processes::new());
        let answer = run.next().unwrap().unwrap();
        let Answer::Descriptors(theirs) = answer else { panic!("no list: {answer:?}") };
        let inherited = link(&ours);
        assert!(theirs.iter().all(|(_, link)| *link != inherited), "{theirs:?}");
    });
}

#[delayed_init(remote)]
fn closes_and_exits(code: i32) -> i32 {
    let mut sockets = descriptors();
    sockets.retain(|(_, link)| link.starts_with("socket:"));
    // That of frames, and the other is what it watches its parent by.
    let frames = sockets.into_iter().map(|(fd, _)| fd).min().unwrap();
    // SAFETY: what is behind it is not used in this process any more, which ends.
    #[allow(unsafe_code, reason = "a worker that closes what is not its own")]
    unsafe {
        rustix::io::close(frames as i32);
    }
    thread::sleep(Duration::from_millis(20));
    process::exit(code)
}

#[test]
fn an_exit_code_is_waited_for_where_the_socket_closes_before() {
    watched(|| {
        let mut run = par_stateful([5], [closes_and_exits::spec()]).backend(Processes::new());
        let error = run.next().unwrap().unwrap_err().to_string();
        assert!(error.ends_with("its process ended with exit status: 5"), "{error}");
    });
}

const UNHEARD: &str = "MTASK_TEST_UNHEARD";

#[test]
fn an_exit_code_that_the_system_throws_away_is_not_invented() {
    watched(|| {
        if std::env::var_os(UNHEARD).is_some() {
            let orders = [Order::Exit(7), Order::Double(2)];
            let run = par_stateful(orders, [Obedient::spec(Build::Well)]).backend(Processes::new());
            let results: Vec<_> = run.collect();
            let error = results[0].as_ref().unwrap_err().to_string();
            assert!(
                error.contains("unknown exit status, since the program ignores SIGCHLD"),
                "{error}"
            );
            assert_eq!(results[1].as_ref().unwrap(), &Answer::Number(4));
            return;
        }
        let test = "ends::an_exit_code_that_the_system_throws_away_is_not_invented";
        let output = Command::new("env")
            .arg("--ignore-signal=CHLD")
            .arg(std::env::current_exe().unwrap())
            .args([test, "--exact", "--nocapture", "--test-threads=1"])
            .env(UNHEARD, "")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    });
}

#[delayed_init(remote)]
fn blocks(_: u64) -> u64 {
    let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime().block_on(async { runtime().block_on(async { 0 }) })
}

#[test]
fn a_runtime_within_a_runtime_is_told_where_init_belongs() {
    let mut run = par_stateful([0], [blocks::spec()]).backend(Processes::new());
    let error = run.next().unwrap().unwrap_err().to_string();
    assert!(error.contains("Cannot start a runtime from within a runtime"), "{error}");
    assert!(error.contains("make `main` a plain function that calls it first"), "{error}");
}

/// Has a process of its own beside it, in its group.
struct Accompanied {
    _beside: process::Child,
}

#[delayed_init(remote)]
impl Accompanied {
    fn new(seconds: String) -> Self {
        Self { _beside: Command::new("sleep").arg(seconds).spawn().unwrap() }
    }

    fn call(&mut self, x: u64) -> u64 {
        assert_ne!(x, 20, "as asked");
        x
    }
}

/// Processes with an argument.
fn with_argument(argument: &str) -> usize {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|entry| fs::read_to_string(entry.path().join("cmdline")).ok());
    lines.filter(|line| line.split('\0').any(|it| it == argument)).count()
}

#[test]
fn nothing_is_left_of_runs_that_end_early() {
    alone(|| {
        // No other program sleeps for exactly so long.
        let seconds = format!("600.{:010}", process::id());
        let run = || {
            let specs = Accompanied::spec(seconds.clone()).times(2);
            par_stateful(0.., specs).backend(Processes::new())
        };
        let all_ways = || {
            assert!(run().next().unwrap().is_ok());

            let mut cancelled = run();
            assert!(cancelled.next().unwrap().is_ok());
            cancelled.cancel_handle().cancel();
            cancelled.for_each(drop);

            let panics = || run().propagate_panics().for_each(drop);
            assert!(std::panic::catch_unwind(panics).is_err());
        };
        let shown = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        (0..5).for_each(|_| all_ways());
        let before = (descriptors().len(), resident());
        (0..runs(10)).for_each(|_| all_ways());
        std::panic::set_hook(shown);
        assert_eq!(children(process::id()), []);
        eventually("those beside the workers have ended", || with_argument(&seconds) == 0);
        let after = (descriptors().len(), resident());
        eprintln!("descriptors and bytes in use: {before:?} before, {after:?} after");
        assert_eq!(after.0, before.0);
        assert!(after.1 < before.1 + (4 << 20), "{before:?}, {after:?}");
    });
}
