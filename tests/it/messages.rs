//! What an error, a panic and a state say is what happened.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use mtask::Pool;
use mtask::prelude::*;

use crate::util::{Count, Gate, watched};

/// What `f` panics with.
fn text(f: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(f)).unwrap_err();
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => (*payload.downcast::<&str>().unwrap()).to_owned(),
    }
}

#[test]
fn an_option_that_comes_late_is_called_by_its_name() {
    watched(|| {
        let begun = || {
            let mut run = par_map(0..3_u32, 1, |x: u32| x);
            run.next();
            run
        };
        let second = Duration::from_secs(1);
        let late: [(&str, &dyn Fn()); 15] = [
            ("retries", &|| drop(begun().retries(1))),
            ("retry", &|| drop(begun().retry(Retry::times(1).delay(second)))),
            ("build_retry", &|| drop(begun().build_retry(Retry::times(1)))),
            ("lifespan", &|| drop(begun().lifespan(1))),
            ("build_now", &|| drop(begun().build_now())),
            ("inline", &|| drop(begun().inline())),
            ("backend", &|| drop(begun().backend(mtask::threads::Threads::new()))),
            ("unordered", &|| drop(begun().unordered())),
            ("max_in_flight", &|| drop(begun().max_in_flight(1))),
            ("unbounded", &|| drop(begun().unbounded())),
            ("chunk_size", &|| drop(begun().chunk_size(1))),
            ("shutdown_timeout", &|| drop(begun().shutdown_timeout(second))),
            ("finish_timeout", &|| drop(begun().finish_timeout(second))),
            ("progress", &|| drop(begun().progress("x"))),
            ("progress_with", &|| drop(begun().progress_with(ProgressOptions::new("x")))),
        ];
        for (option, late) in late {
            let text = text(late);
            assert!(text.contains(&format!("`.{option}(..)` came after the run")), "{text}");
        }
        let mut pool = Pool::new(worker_fn(|x: u32| x).times(1));
        pool.build_now().unwrap();
        let text = text(|| drop(pool.backend(mtask::threads::Threads::new())));
        assert!(text.contains("came after the first map or `build_now`"), "{text}");
    });
}

#[test]
fn a_run_is_finished_when_its_threads_are() {
    /// Waits in its destructor.
    struct Slow(Gate, Count);
    impl Worker for Slow {
        type Input = u32;
        type Output = u32;
        fn call(&mut self, x: u32) -> u32 {
            x
        }
    }
    impl Drop for Slow {
        fn drop(&mut self) {
            self.0.pass();
            self.1.add();
        }
    }
    #[derive(Clone)]
    struct SlowSpec(Gate, Count);
    impl Spec<Slow> for SlowSpec {
        fn build(&self) -> Result<Slow, BuildError> {
            Ok(Slow(self.0.clone(), self.1.clone()))
        }
    }
    let until = |is_finished: &dyn Fn() -> bool| {
        while !is_finished() {
            std::thread::yield_now();
        }
    };
    watched(move || {
        let timeout = Duration::from_millis(1);
        let (gate, dropped) = (Gate::default(), Count::default());
        let mut run = par_stateful(0..9, [SlowSpec(gate.clone(), dropped.clone())]);
        assert!(!run.is_finished());
        run = run.finish_timeout(timeout);
        assert_eq!(run.by_ref().count(), 9);
        assert!(run.next().is_none() && !run.is_finished());
        gate.open();
        until(&|| run.is_finished());
        assert_eq!(dropped.get(), 1);

        let gate = Gate::default();
        let mut run = par_stateful_local(0..9, [SlowSpec(gate.clone(), Count::default())])
            .finish_timeout(timeout);
        assert_eq!(run.by_ref().count(), 9);
        assert!(!run.is_finished());
        gate.open();
        until(&|| run.is_finished());

        // A thread that is left inside the source.
        let gate = Gate::default();
        let inside = gate.clone();
        let source = (0..9_u32).inspect(move |&x| {
            if x == 5 {
                inside.pass();
            }
        });
        let mut run = par_map(source, 1, |x: u32| x);
        assert_eq!(run.next().unwrap().unwrap(), 0);
        gate.wait_for(1);
        let handle = run.cancel_handle();
        handle.cancel();
        gate.open();
        run.by_ref().for_each(drop);
        until(&|| run.is_finished());

        // The threads of a pool go on, and are none of the run's.
        let mut pool = Pool::new(worker_fn(|x: u32| x).times(2));
        let mut map = pool.map(0..9);
        map.by_ref().for_each(drop);
        assert!(map.is_finished());
        drop(map);
        let mut run = par_map(0..9, 2, |x: u32| x);
        run.by_ref().for_each(drop);
        assert!(run.is_finished());
    });
}

#[test]
fn an_error_of_the_run_is_not_told_as_an_item_that_failed() {
    watched(|| {
        let spec = init_fn(|| Err::<fn(u32) -> u32, _>("no device"));
        let run = par_stateful(0..3, spec.times(1)).build_now().defer_errors();
        let errors = run.map(Result::unwrap_err).next().unwrap();
        assert_eq!(errors.to_string(), "the run failed: worker 0 could not be built");
    });
}

#[test]
fn a_kind_says_what_its_messages_say() {
    watched(|| {
        let mut errors = Vec::new();
        errors.extend(par_map([0_u32], 1, |x: u32| 1 / x).filter_map(Result::err));
        let parsed = par_map(["x"], 1, |text: &str| text.parse::<u8>()).flatten_errors();
        errors.extend(parsed.filter_map(Result::err));
        let source = [Err::<u32, &str>("unread")];
        let passed = par_stateful_ok(source, worker_fn(|x: u32| x).times(1)).flatten_errors();
        errors.extend(passed.filter_map(Result::err));
        let unbuilt = || init_fn(|| Err::<fn(u32) -> u32, _>("no device")).times(1);
        errors.extend(par_stateful([1_u32, 2], unbuilt()).filter_map(Result::err));
        errors.extend(par_stateful([1_u32], unbuilt()).build_now().filter_map(Result::err));

        let mut kinds = Vec::new();
        for error in &errors {
            let kind = error.kind();
            assert!(error.to_string().contains(&kind.to_string()), "{kind}: {error}");
            kinds.push(kind);
        }
        kinds.dedup();
        let expected = [
            TaskErrorKind::Panicked,
            TaskErrorKind::Failed,
            TaskErrorKind::Source,
            TaskErrorKind::NoWorkerLeft,
            TaskErrorKind::BuildFailed,
        ];
        assert_eq!(kinds, expected);
    });
}

#[test]
fn what_is_set_is_shown() {
    let threads = mtask::threads::Threads::new().stack_size(1 << 20);
    assert!(
        format!("{threads:?}").starts_with("Threads { stack_size: Some(1048576)"),
        "{threads:?}"
    );
    let options = ProgressOptions::new("reading").length(12).interval(Duration::from_secs(3));
    let shown = format!("{options:?}");
    for set in ["message: Some(\"reading\")", "length: Some(12)", "interval: Some(3s)"] {
        assert!(shown.contains(set), "{shown}");
    }
    let specs = worker_fn(|x: u32| x).times(3);
    let pool = Pool::new(specs).shutdown_timeout(Duration::from_secs(4));
    let shown = format!("{pool:?}");
    assert!(shown.contains("workers: 3, shutdown_timeout: Some(4s)"), "{shown}");
}
