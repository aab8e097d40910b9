//! Stages behind each other: `par_stateful_ok` and `par_stateful_try`.

use mtask::prelude::*;

use crate::util::{Count, watched};

#[test]
fn errors_of_the_first_pass_untouched_in_their_place() {
    watched(|| {
        let parsed = ["1", "x", "3", "y"].into_iter().par_map(2, |s: &str| s.parse::<u32>());
        let parsed = parsed.flatten_errors();
        let doubled = parsed.par_stateful_ok(worker_fn(|x: u32| 2 * x).times(2));
        assert_eq!(doubled.len(), 4);
        let results: Vec<Result<u32, TaskError>> = doubled.flatten_errors().collect();
        assert_eq!(results[0].as_ref().unwrap(), &2);
        assert_eq!(results[2].as_ref().unwrap(), &6);
        for at in [1, 3] {
            let error = results[at].as_ref().unwrap_err();
            assert_eq!((error.index(), error.kind()), (Some(at), TaskErrorKind::Failed));
        }
        let cause = results.into_iter().nth(1).unwrap().unwrap_err().into_cause().unwrap();
        assert!(cause.is::<std::num::ParseIntError>());
    });
}

#[test]
fn any_error_passes_and_both_are_told_apart() {
    watched(|| {
        let source = [Ok(1), Err("bad"), Ok(0)];
        let specs = worker_fn(|x: u32| 10 / x).times(1);
        let results: Vec<_> = source.into_iter().par_stateful_ok(specs).collect();
        assert_eq!(results[0].as_ref().unwrap(), &Ok(10));
        assert_eq!(results[1].as_ref().unwrap(), &Err("bad"));
        assert_eq!(results[2].as_ref().unwrap_err().kind(), TaskErrorKind::Panicked);
    });
}

#[test]
fn an_error_of_the_source_has_its_index_and_no_worker() {
    watched(|| {
        let source = || vec![Ok(1), Err("bad line"), Ok(0), Err("worse")].into_iter();
        let half = |x: u32| if x == 0 { panic!("none") } else { x / 2 };
        let specs = || worker_fn(half).times(1);
        let check = |results: Vec<Result<u32, TaskError>>, stats: mtask::Stats| {
            let told = |at: usize| {
                let error = results[at].as_ref().unwrap_err();
                (error.kind(), error.index(), error.worker(), error.attempts())
            };
            assert_eq!(told(1), (TaskErrorKind::Source, Some(1), None, 0));
            assert_eq!(told(3), (TaskErrorKind::Source, Some(3), None, 0));
            assert_eq!(told(2).2, Some(0));
            let text = format!("{:#}", results[1].as_ref().unwrap_err());
            assert_eq!(text, "item 1: the source returned an error: bad line");
            assert_eq!((stats.errors, stats.workers[0].errors), (3, 1));
        };
        let mut run = par_stateful_ok(source(), specs()).flatten_errors();
        let results = run.by_ref().collect();
        check(results, run.get_ref().stats());
        let mut run = par_stateful_ok(source(), specs()).inline().flatten_errors();
        let results = run.by_ref().collect();
        check(results, run.get_ref().stats());
        let mut run = par_stateful_ok(source(), specs()).retries(2).flatten_errors();
        let results = run.by_ref().collect();
        check(results, run.get_ref().stats());
    });
}

#[test]
fn an_error_of_an_earlier_stage_is_none_of_the_workers_it_passes() {
    watched(|| {
        let parse = |text: &'static str| text.parse::<u32>();
        let first = par_map(["1", "x", "0"], 1, parse).flatten_errors();
        let invert = |x: u32| 100_u32.checked_div(x).ok_or("nothing to divide by");
        let mut second =
            first.par_stateful_try(worker_fn(invert).times(1)).retries(1).flatten_errors();
        let results: Vec<_> = second.by_ref().collect();
        let [Ok(100), Err(first), Err(own)] = &results[..] else { panic!("{results:?}") };
        assert_eq!((first.index(), first.worker(), first.attempts()), (Some(1), Some(0), 1));
        assert_eq!((own.index(), own.worker(), own.attempts()), (Some(2), Some(0), 2));
        let stats = second.get_ref().stats();
        assert_eq!((stats.errors, stats.workers[0].errors, stats.retries), (2, 1, 1));
    });
}

#[test]
fn an_error_that_a_worker_brings_from_a_run_of_its_own_is_the_workers() {
    watched(|| {
        let nested = |x: u32| par_map([x], 1, |x: u32| 100 / x).next().unwrap();
        let results: Vec<_> = par_map([5, 0], 1, nested).flatten_errors().collect();
        let error = results[1].as_ref().unwrap_err();
        assert_eq!((error.index(), error.kind()), (Some(1), TaskErrorKind::Failed));
        assert!(format!("{error:#}").contains("item 0: worker 0 panicked"), "{error:#}");
    });
}

#[test]
fn an_error_needs_no_worker() {
    watched(|| {
        let built = Count::default();
        let counted = built.clone();
        let spec = init_fn(move || {
            counted.add();
            Err::<fn(u32) -> u32, _>("no device")
        });
        let source = [Err("one"), Err("two"), Ok(3), Err("four")];
        let results: Vec<_> = source.into_iter().par_stateful_ok(spec.times(1)).collect();
        assert_eq!(built.get(), 3);
        assert_eq!(results[0].as_ref().unwrap(), &Err("one"));
        assert_eq!(results[1].as_ref().unwrap(), &Err("two"));
        assert_eq!(results[2].as_ref().unwrap_err().kind(), TaskErrorKind::NoWorkerLeft);
        // It stands for the last one, which is not pulled any more.
        assert_eq!(results[3].as_ref().unwrap_err().index(), None);
        assert_eq!(results.len(), 4);
    });
}

#[test]
fn three_stages_that_may_fail_have_items_of_one_type() {
    watched(|| {
        for unordered in [false, true] {
            let run = (0..1_000_u32)
                .par_map(2, |x: u32| if x % 7 == 0 { Err(format!("one: {x}")) } else { Ok(x) })
                .flatten_errors()
                .par_stateful_try(
                    worker_fn(|x: u32| if x % 5 == 0 { Err(format!("two: {x}")) } else { Ok(x) })
                        .times(2),
                )
                .flatten_errors()
                .par_stateful_try(
                    worker_fn(|x: u32| match x % 3 {
                        0 => panic!("three: {x}"),
                        _ => Ok::<_, String>(x),
                    })
                    .times(2),
                );
            let run = if unordered { run.unordered() } else { run };
            let mut seen = 0;
            for (at, result) in run.flatten_errors().enumerate() {
                seen += 1;
                let (index, text) = match result {
                    Ok(x) => (x, String::new()),
                    Err(error) => (error.index().unwrap() as u32, format!("{error:#}")),
                };
                assert!(unordered || at == index as usize);
                let expected = match index {
                    x if x % 7 == 0 => format!("one: {x}"),
                    x if x % 5 == 0 => format!("two: {x}"),
                    x if x % 3 == 0 => format!("three: {x}"),
                    _ => String::new(),
                };
                assert!(
                    text.ends_with(&expected) && text.is_empty() == expected.is_empty(),
                    "{text}"
                );
            }
            assert_eq!(seen, 1_000);
        }
    });
}

#[test]
fn only_the_stage_that_fails_tries_again() {
    watched(|| {
        let (one, two) = (Count::default(), Count::default());
        let (of_one, of_two) = (one.clone(), two.clone());
        let results: Vec<_> = (0..1)
            .par_map(1, move |_: u32| {
                of_one.add();
                Err::<u32, _>("no")
            })
            .retries(2)
            .flatten_errors()
            .par_stateful_try(
                worker_fn(move |x: u32| {
                    of_two.add();
                    Ok::<_, String>(x)
                })
                .times(1),
            )
            .retries(5)
            .flatten_errors()
            .collect();
        assert_eq!((one.get(), two.get()), (3, 0));
        assert_eq!(results[0].as_ref().unwrap_err().attempts(), 3);
    });
}

/// Counts what comes through.
struct Through(u32);

#[delayed_init]
impl Through {
    fn new() -> Self {
        Self(0)
    }

    fn call(&mut self, x: u32) -> Result<u32, String> {
        self.0 += 1;
        Ok(x)
    }

    fn finish(self) -> u32 {
        self.0
    }
}

#[test]
fn a_stage_leaves_its_summaries() {
    watched(|| {
        let call = |x: u32| if x < 30 { Ok(x) } else { Err("no") };
        let first = (0..100).par_map(2, call).flatten_errors();
        let mut run = first.par_stateful_try(Through::spec().times(2)).with_summaries();
        assert_eq!(run.by_ref().filter(|item| matches!(item, Ok(Ok(_)))).count(), 30);
        let through: u32 = run.into_summaries().into_iter().map(|(_, sum)| sum.unwrap()).sum();
        assert_eq!(through, 30);
    });
}
