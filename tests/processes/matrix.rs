//! Promise 15: each option, policy and adaptor with each front and each backend. What does not compile is in
//! `tests/ui/processes/cells.rs` and `tests/ui/processes/cells_of_streams.rs`, with the reason that the compiler gives.
//!
//! [`options`] is the one list of options; a test holds it to `front/options.rs`.

use std::time::Duration;

use futures_util::StreamExt;
use mtask::backend::{Backend, Concurrent, Start};
use mtask::prelude::*;
use mtask::threads::Threads;
use mtask::{Ended, ParStateful, Processes, RemoteError, TaskErrorKind, scope};

use crate::util::{eventually, watched};

const ITEMS: u64 = 24;

/// Doubles what it is given, but fails at one item in seven; leaves how many it has done.
struct Doubler {
    done: usize,
}

#[delayed_init(remote)]
impl Doubler {
    fn new() -> Self {
        Self { done: 0 }
    }

    fn call(&mut self, x: u64) -> Result<u64, RemoteError> {
        if fails(x) {
            return Err(RemoteError::from_boxed(format!("{x} fails")));
        }
        self.done += 1;
        Ok(2 * x)
    }

    fn finish(self) -> usize {
        self.done
    }
}

fn fails(x: u64) -> bool {
    x % 7 == 3
}

fn specs() -> impl Iterator<Item = DoublerSpec> {
    Doubler::spec().times(2)
}

/// What an item came to, in a form that is compared.
type Seen = Result<u64, &'static str>;

/// An option, by its name.
type Named<R> = (&'static str, fn(R) -> R);

macro_rules! options {
    ($($name:ident($($argument:expr),*)),* $(,)?) => {
        /// Each option that leaves the type of the run as it is.
        fn options<I, S, W, B>() -> Vec<Named<ParStateful<I, S, W, B>>>
        where
            I: Iterator,
            W: Worker<Input = I::Item>,
            W::Input: Clone,
            B: Concurrent + Start<I, S, W>,
        {
            vec![$((stringify!($name), |run: ParStateful<I, S, W, B>| run.$name($($argument),*))),*]
        }

        /// Their names.
        const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

options! {
    build_now(),
    retries(1),
    retry(Retry::times(1).delay(Duration::from_millis(1))),
    build_retry(Retry::times(1).delay(Duration::from_millis(1))),
    lifespan(5),
    progress_with(ProgressOptions::new("cells").hidden(true)),
    unordered(),
    max_in_flight(3),
    unbounded(),
    chunk_size(2),
    shutdown_timeout(Duration::from_secs(60)),
    finish_timeout(Duration::from_secs(60)),
    start(),
}

/// Those that are not in the list, since they change the type of the run or are made of one that is.
const APART: &[&str] = &["with_summaries", "backend", "inline", "progress"];

#[test]
fn the_list_of_options_is_whole() {
    let source = include_str!("../../mtask-core/src/front/options.rs");
    let mut known: Vec<_> = NAMES.iter().chain(APART).copied().collect();
    let mut public: Vec<_> = source
        .lines()
        .filter_map(|line| line.strip_prefix("    pub fn "))
        .map(|rest| rest.split(['(', '<']).next().unwrap())
        .collect();
    known.sort_unstable();
    public.sort_unstable();
    assert_eq!(known, public);
}

/// All results of a run that is an iterator.
macro_rules! iterated {
    ($run:expr) => {
        $run.by_ref().collect::<Vec<_>>()
    };
}

/// All results of a run that is a stream.
macro_rules! streamed {
    ($run:expr) => {
        futures_executor::block_on($run.by_ref().collect::<Vec<_>>())
    };
}

fn seen(result: Result<u64, TaskError>) -> Seen {
    result.map_err(|error| {
        assert_eq!(error.kind(), TaskErrorKind::Failed, "{error}");
        assert!(fails(error.index().unwrap() as u64), "{error}");
        "failed"
    })
}

fn expected() -> Vec<Seen> {
    (0..ITEMS).map(|x| if fails(x) { Err("failed") } else { Ok(2 * x) }).collect()
}

/// Compares in any order, where the run has none.
fn same(cell: &str, is_ordered: bool, mut results: Vec<Seen>, mut expected: Vec<Seen>) {
    if !is_ordered {
        results.sort();
        expected.sort();
    }
    assert_eq!(results, expected, "{cell}");
}

/// What is known of a run behind an adaptor, after its end.
macro_rules! tells_of_itself {
    ($cell:expr, $run:expr, $yielded:expr, $ended:expr) => {
        let (cell, run) = ($cell, &$run);
        assert_eq!(run.stats().yielded, $yielded, "{cell}");
        assert_eq!(
            (run.ended(), run.cancel_handle().ended()),
            (Some($ended), Some($ended)),
            "{cell}"
        );
        eventually(cell, || run.is_finished());
    };
}

/// One cell: a run with some options, under each adaptor. `$run` makes the run, and is evaluated for each.
macro_rules! adaptors {
    ($cell:expr, $all:ident, ordered: $ordered:expr, $run:expr) => {{
        let (cell, is_ordered): (&str, bool) = ($cell, $ordered);
        let all = ITEMS as usize;

        let mut run = $run;
        let results = $all!(run).into_iter().map(|item| item.unwrap().map_err(|_| "failed"));
        same(cell, is_ordered, results.collect(), expected());
        tells_of_itself!(cell, run, all, Ended::Complete);

        let mut run = $run.flatten_errors();
        same(cell, is_ordered, $all!(run).into_iter().map(seen).collect(), expected());
        tells_of_itself!(cell, run, all, Ended::Complete);
        assert_eq!(run.into_inner().stats().errors, 3, "{cell}");

        let mut run = $run.stop_on_error();
        assert_eq!($all!(run).len(), all, "{cell}: no item is an error");
        tells_of_itself!(cell, run, all, Ended::Complete);

        let mut run = $run.flatten_errors().stop_on_error();
        let results: Vec<_> = $all!(run).into_iter().map(seen).collect();
        assert_eq!(results.iter().position(Result::is_err), Some(results.len() - 1), "{cell}");
        if is_ordered {
            assert_eq!(results, expected()[..4], "{cell}");
        }
        tells_of_itself!(cell, run, results.len(), Ended::Stopped);

        let mut run = $run.defer_errors();
        let results = $all!(run).into_iter().map(|item| item.unwrap().map_err(|_| "failed"));
        same(cell, is_ordered, results.collect(), expected());
        tells_of_itself!(cell, run, all, Ended::Complete);

        let mut run = $run.flatten_errors().defer_errors();
        let mut results = $all!(run);
        assert_eq!(results.pop().unwrap().unwrap_err().count(), 3, "{cell}");
        let results = results.into_iter().map(|item| item.map_err(|_| "failed")).collect();
        let successes = expected().into_iter().filter(Result::is_ok).collect();
        same(cell, is_ordered, results, successes);
        tells_of_itself!(cell, run, all, Ended::Complete);

        let mut run = $run.propagate_panics();
        let results = $all!(run).into_iter().map(|item| item.map_err(|_| "failed"));
        same(cell, is_ordered, results.collect(), expected());
        assert_eq!(run.get_ref().stats().yielded, all, "{cell}");
        tells_of_itself!(cell, run, all, Ended::Complete);
    }};
}

/// Each option of a front on a backend, and each two of them in both orders, under each adaptor. `$run` makes the run. Gives
/// how many cells that are.
macro_rules! cells {
    ($front:expr, $all:ident, $run:expr) => {{
        let front: &str = &$front;
        let mut cells = 7;
        adaptors!(front, $all, ordered: true, $run);
        for (first, name) in NAMES.iter().enumerate() {
            let cell = format!("{front}.{name}");
            adaptors!(&cell, $all, ordered: *name != "unordered", (options()[first].1)($run));
            cells += 7;
            for (second, other) in NAMES.iter().enumerate() {
                // Options come before the start.
                if first == second || *name == "start" {
                    continue;
                }
                let cell = format!("{cell}.{other}");
                let mut run = (options()[second].1)((options()[first].1)($run));
                let results = $all!(run).into_iter().map(|item| item.unwrap().map_err(|_| "failed"));
                let is_ordered = ![*name, *other].contains(&"unordered");
                same(&cell, is_ordered, results.collect(), expected());
                cells += 1;
            }
        }
        cells
    }};
}

/// The same with summaries, which are of the whole run, behind each adaptor.
macro_rules! summaries {
    ($front:expr, $all:ident, $run:expr) => {{
        let done = (0..ITEMS).filter(|&x| !fails(x)).count();
        macro_rules! summed {
            ($made:expr) => {
                let mut run = $made;
                drop($all!(run));
                let summaries = run.into_summaries().into_iter();
                let sum: usize = summaries.map(|(_worker, done)| done.unwrap()).sum();
                assert_eq!(sum, done, "{}", $front);
            };
        }
        summed!($run.with_summaries());
        summed!($run.with_summaries().flatten_errors());
        summed!($run.with_summaries().stop_on_error());
        summed!($run.with_summaries().defer_errors());
        summed!($run.with_summaries().propagate_panics());
        summed!($run.with_summaries().flatten_errors().defer_errors());
        summed!($run.with_summaries().lifespan(5));
        7
    }};
}

/// All fronts on one backend.
macro_rules! backend {
    ($name:expr, $backend:expr) => {{
        let mut cells = 0;
        let name = |front: &str| format!("{front} in {}", $name);
        let items = || 0..ITEMS;

        macro_rules! run {
            () => {
                par_stateful(items(), specs()).backend($backend)
            };
        }
        cells += cells!(name("run"), iterated, run!());
        cells += summaries!(name("run"), iterated, run!());

        macro_rules! awaited {
            () => {
                run!().into_stream()
            };
        }
        cells += cells!(name("stream of an iterator"), streamed, awaited!());
        cells += summaries!(name("stream of an iterator"), streamed, awaited!());

        macro_rules! local {
            () => {
                par_stateful_local(items(), specs()).backend($backend)
            };
        }
        cells += cells!(name("local"), iterated, local!());
        cells += summaries!(name("local"), iterated, local!());

        macro_rules! stream {
            () => {
                par_stateful_stream(futures_util::stream::iter(items()), specs()).backend($backend)
            };
        }
        cells += cells!(name("stream"), streamed, stream!());
        cells += summaries!(name("stream"), streamed, stream!());

        // What a stage gives is the source of the next one.
        macro_rules! stage {
            () => {{
                let first = par_map(items(), 2, |x: u64| x).propagate_panics();
                par_stateful(first, specs()).backend($backend)
            }};
        }
        cells += cells!(name("stage"), iterated, stage!());
        cells += summaries!(name("stage"), iterated, stage!());

        macro_rules! fallible {
            () => {{
                let first = par_map(items(), 2, |x: u64| Ok::<_, String>(x)).flatten_errors();
                par_stateful_try(first, specs()).backend($backend)
            }};
        }
        cells += cells!(name("fallible stage"), iterated, fallible!());
        cells += summaries!(name("fallible stage"), iterated, fallible!());
        cells += cells!(name("stream of a stage"), streamed, fallible!().into_stream());

        let mut pool = Pool::new(specs()).backend($backend);
        cells += cells!(name("map"), iterated, pool.map(items()));
        cells += cells!(name("stream of a map"), streamed, pool.map(items()).into_stream());
        pool.finish();
        let mut pool = Pool::new(specs()).backend($backend).with_summaries();
        pool.map(items()).for_each(drop);
        pool.map(items()).for_each(drop);
        let done: usize =
            pool.into_summaries().into_iter().map(|(_worker, done)| done.unwrap()).sum();
        assert_eq!(done, 2 * items().filter(|&x| !fails(x)).count());

        scope(|s| {
            macro_rules! scoped {
                () => {
                    s.par_stateful(items(), specs()).backend($backend)
                };
            }
            cells += cells!(name("scope"), iterated, scoped!());
            cells += summaries!(name("scope"), iterated, scoped!());
        });
        println!("{cells} cells in {}", $name);
    }};
}

#[test]
fn each_option_and_adaptor_works_with_each_front_in_threads() {
    watched(|| {
        backend!("threads", Threads::new());
    });
}

#[test]
fn each_option_and_adaptor_works_with_each_front_in_processes() {
    watched(|| {
        backend!("processes", Processes::new());
    });
}

/// Those of a run on its caller's thread, which has no window, no order and no start to choose.
#[test]
fn each_option_and_adaptor_works_on_the_callers_thread() {
    fn own<I, S, W, B>() -> Vec<Named<ParStateful<I, S, W, B>>>
    where
        I: Iterator,
        W: Worker<Input = I::Item>,
        W::Input: Clone,
        B: Backend,
    {
        vec![
            ("build_now", |run| run.build_now()),
            ("retries", |run| run.retries(1)),
            ("lifespan", |run| run.lifespan(5)),
            ("progress_with", |run| run.progress_with(ProgressOptions::new("").hidden(true))),
        ]
    }
    watched(|| {
        macro_rules! inline {
            () => {
                par_stateful(0..ITEMS, specs()).inline()
            };
        }
        macro_rules! local {
            () => {
                par_stateful_local(0..ITEMS, specs()).inline()
            };
        }
        adaptors!("inline", iterated, ordered: true, inline!());
        summaries!("inline", iterated, inline!());
        summaries!("local and inline", iterated, local!());
        for at in
            0..own::<std::ops::Range<u64>, DoublerSpec, Doubler, mtask::backend::Inline>().len()
        {
            let name =
                own::<std::ops::Range<u64>, DoublerSpec, Doubler, mtask::backend::Inline>()[at].0;
            adaptors!(name, iterated, ordered: true, (own()[at].1)(inline!()));
            adaptors!(name, iterated, ordered: true, (own()[at].1)(local!()));
        }
        // What is chosen before is met as it is: one item is in flight, in order.
        for (name, at) in NAMES.iter().zip(0..) {
            if *name != "start" {
                let run = || (options()[at].1)(par_stateful(0..ITEMS, specs())).inline();
                adaptors!(name, iterated, ordered: true, run());
            }
        }
    });
}
