//! Stages in processes behind each other, and behind such in threads.

use mtask::prelude::*;
use mtask::{Processes, RemoteError};

use crate::system::Folder;
use crate::util::watched;

#[delayed_init(remote)]
fn double(x: u32) -> u32 {
    2 * x
}

/// Fails at a multiple of its argument, by a panic where that is odd.
struct Sieve {
    of: u32,
}

#[delayed_init(remote)]
impl Sieve {
    fn new(of: u32) -> Self {
        Self { of }
    }

    fn call(&mut self, x: u32) -> Result<u32, RemoteError> {
        if x % self.of != 0 {
            return Ok(x);
        }
        assert!(x % 2 == 0, "{} divides {x}", self.of);
        Err(RemoteError::from_boxed(format!("{} divides {x}", self.of)))
    }
}

/// Cannot be built, and leaves a note that it was asked for.
struct Absent;

#[delayed_init(remote)]
impl Absent {
    fn new(note: &str) -> Result<Self, String> {
        std::fs::write(note, "asked for").map_err(|error| error.to_string())?;
        Err("no device".to_owned())
    }

    fn call(&mut self, x: u32) -> u32 {
        x
    }
}

/// Is not serde.
#[derive(Debug, PartialEq)]
struct Local(&'static str);

#[test]
fn errors_of_a_stage_in_threads_pass_a_process_untouched_in_their_place() {
    watched(|| {
        let parsed = ["1", "x", "3", "y"].into_iter().par_map(2, |s: &str| s.parse::<u32>());
        let doubled = parsed.flatten_errors().par_stateful_ok(double::spec().times(2));
        let doubled = doubled.backend(Processes::new());
        assert_eq!(doubled.len(), 4);
        let results: Vec<Result<u32, TaskError>> = doubled.flatten_errors().collect();
        assert_eq!(results[0].as_ref().unwrap(), &2);
        assert_eq!(results[2].as_ref().unwrap(), &6);
        let error = results.into_iter().nth(3).unwrap().unwrap_err();
        assert_eq!((error.index(), error.kind()), (Some(3), TaskErrorKind::Failed));
        assert!(error.into_cause().unwrap().is::<std::num::ParseIntError>());

        let source = [Ok(1), Err(Local("bad")), Ok(7)];
        let run = source.into_iter().par_stateful_ok(double::spec().times(1));
        let results: Result<Vec<_>, _> = run.backend(Processes::new()).collect();
        assert_eq!(results.unwrap(), [Ok(2), Err(Local("bad")), Ok(14)]);
    });
}

#[test]
fn an_error_needs_no_worker() {
    watched(|| {
        let folder = Folder::new();
        let note = folder.path("note");
        let source = [Err(Local("one")), Err(Local("two"))];
        let run = source.into_iter().par_stateful_ok([Absent::spec(&note)]);
        let results: Result<Vec<_>, _> = run.backend(Processes::new()).collect();
        assert_eq!(results.unwrap(), [Err(Local("one")), Err(Local("two"))]);
        assert!(!std::fs::exists(&note).unwrap());

        let source = [Err(Local("one")), Ok(1), Err(Local("two"))];
        let run = source.into_iter().par_stateful_ok([Absent::spec(&note)]);
        let results: Vec<_> = run.backend(Processes::new()).collect();
        assert_eq!(results[0].as_ref().unwrap(), &Err(Local("one")));
        assert_eq!(results[1].as_ref().unwrap_err().kind(), TaskErrorKind::NoWorkerLeft);
        // Passed on, if it was pulled before the last build failed.
        let third = results[2].as_ref();
        assert!(
            third.is_ok_and(|it| *it == Err(Local("two")))
                || third.is_err_and(|it| it.index().is_none())
        );
        assert_eq!(results.len(), 3);
        assert!(folder.wait_for("note").starts_with("asked for"));
    });
}

#[test]
fn stages_that_may_fail_have_items_of_one_type_wherever_they_are() {
    watched(|| {
        for retries in [0, 1] {
            let first = par_stateful(1..1_000, Sieve::spec(7).times(2)).backend(Processes::new());
            let second = first.flatten_errors().par_stateful_try(Sieve::spec(5).times(2));
            let second = second.backend(Processes::new()).retries(retries).flatten_errors();
            let third = second.par_stateful_try(
                worker_fn(|x: u32| if x % 3 == 0 { Err(format!("3 divides {x}")) } else { Ok(x) })
                    .times(2),
            );
            for (x, result) in (1..1_000_u32).zip(third.flatten_errors()) {
                let by = [7, 5, 3].into_iter().find(|by| x % by == 0);
                let Some(by) = by else {
                    assert_eq!(result.unwrap(), x);
                    continue;
                };
                let error = result.unwrap_err();
                let attempts = if by == 5 { retries + 1 } else { 1 };
                let index = usize::try_from(x - 1).unwrap();
                assert_eq!((error.index(), error.attempts()), (Some(index), attempts), "{error}");
                let why = format!("{by} divides {x}");
                assert!(format!("{error:#}").contains(&why), "{error:#}");
                let panics = by != 3 && x % 2 != 0;
                let kind = if panics { TaskErrorKind::Panicked } else { TaskErrorKind::Failed };
                assert_eq!(error.kind(), kind);
            }
        }
    });
}

#[test]
fn an_early_end_of_the_last_stage_ends_them_all() {
    watched(|| {
        let first = par_stateful(1.., Sieve::spec(7).times(2)).backend(Processes::new());
        let second = first.flatten_errors().par_stateful_try(Sieve::spec(5).times(2));
        let mut second = second.backend(Processes::new()).flatten_errors().stop_on_error();
        assert_eq!(second.by_ref().take_while(Result::is_ok).count(), 4);
        assert!(second.next().is_none());
    });
}

#[test]
fn errors_of_a_stage_between_items_hold_up_a_single_worker_by_nothing() {
    watched(|| {
        let of = |x: u32| if x % 3 == 0 { Err(Local("bad")) } else { Ok(x) };
        let run = (0..3_000).map(of).par_stateful_ok([double::spec()]).backend(Processes::new());
        let results: Vec<_> = run.map(Result::unwrap).collect();
        assert!(results.into_iter().eq((0..3_000).map(|x| of(x).map(|x| 2 * x))));
    });
}
