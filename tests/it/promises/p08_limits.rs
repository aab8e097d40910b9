//! 8. The limits of an end: what bounds an early one is not what bounds the end of a whole run.

use std::time::Duration;

use mtask::{Ended, Finish, Pool, Spec, TaskErrorKind, Worker, init_fn, par_stateful, worker_fn};

use crate::util::{Count, Gate, each_way, watched};

/// Long enough for a thread that is not at a gate, and never over for one that is.
const LIMIT: Duration = Duration::from_millis(200);

/// Stands at a gate when it is finished, where it has one, and when it is dropped.
struct Slow {
    finish: Option<Gate>,
    drop: Option<Gate>,
}

impl Worker for Slow {
    type Input = usize;
    type Output = usize;

    fn call(&mut self, x: usize) -> usize {
        x
    }
}

impl Finish for Slow {
    type Summary = &'static str;

    fn finish(mut self) -> &'static str {
        if let Some(gate) = self.finish.take() {
            gate.pass();
        }
        "finished"
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        if let Some(gate) = self.drop.take() {
            gate.pass();
        }
    }
}

#[derive(Clone)]
struct SlowSpec {
    finish: Option<Gate>,
    drop: Option<Gate>,
}

impl Spec<Slow> for SlowSpec {
    fn build(&self) -> Result<Slow, mtask::BuildError> {
        Ok(Slow { finish: self.finish.clone(), drop: self.drop.clone() })
    }
}

fn slow_to_finish(gate: &Gate) -> SlowSpec {
    SlowSpec { finish: Some(gate.clone()), drop: None }
}

fn slow_to_drop(gate: &Gate) -> SlowSpec {
    SlowSpec { finish: None, drop: Some(gate.clone()) }
}

#[test]
fn a_drop_leaves_a_thread_that_takes_longer_than_the_shutdown_timeout() {
    watched(|| {
        each_way!(|start, way| {
            let gate = Gate::default();
            let passed = gate.clone();
            let specs = [worker_fn(move |_: usize| passed.pass())];
            let results = start(0..9, specs).shutdown_timeout(Duration::from_millis(5)).start();
            gate.wait_for(1);
            drop(results);
            assert!(!gate.is_open(), "{way:?}");
            // A scope waits for everything when it is left.
            gate.open();
        });
    });
}

#[test]
fn what_ended_an_early_end_also_bounds_finish_and_destructors() {
    watched(|| {
        for slow in [slow_to_finish, slow_to_drop] {
            let gate = Gate::default();
            let _open = gate.open_on_drop();
            let run = par_stateful(0.., [slow(&gate)]).with_summaries().shutdown_timeout(LIMIT);
            let mut run = run;
            assert!(run.next().unwrap().is_ok());
            let summaries = run.into_summaries();
            assert!(!gate.is_open());
            if slow(&gate).finish.is_some() {
                let [(0, Err(error))] = &summaries[..] else { panic!("{summaries:?}") };
                assert_eq!(error.kind(), TaskErrorKind::TimedOut);
                assert!(error.to_string().contains("200ms, the `shutdown_timeout`"), "{error}");
            }
        }
    });
}

#[test]
fn the_end_of_a_whole_run_is_not_bounded_by_the_shutdown_timeout() {
    watched(|| {
        for cancels in [false, true] {
            each_way!(|start, way| {
                let gate = Gate::default();
                let results = start(0..9, [slow_to_drop(&gate)]);
                let mut results = results.shutdown_timeout(Duration::from_millis(1));
                assert!(results.next().unwrap().is_ok());
                if cancels {
                    results.cancel_handle().cancel();
                }
                let opener = {
                    let gate = gate.clone();
                    std::thread::spawn(move || {
                        gate.wait_for(1);
                        crate::util::settle();
                        gate.open();
                    })
                };
                results.by_ref().for_each(drop);
                assert!(gate.is_open(), "the worker was not waited for: {way:?}");
                assert!(results.is_finished(), "{way:?}");
                opener.join().unwrap();
            });
        }
    });
}

#[test]
fn over_the_finish_timeout_a_worker_leaves_an_error() {
    watched(|| {
        for cancels in [false, true] {
            each_way!(|start, way| {
                let gate = Gate::default();
                let run = start(0..9, [slow_to_finish(&gate)]).with_summaries();
                let mut run = run.finish_timeout(Duration::from_millis(5));
                assert!(run.next().unwrap().is_ok());
                if cancels {
                    run.cancel_handle().cancel();
                }
                run.by_ref().for_each(drop);
                assert!(!gate.is_open(), "{way:?}");
                assert!(matches!(run.ended(), Some(Ended::Complete | Ended::Cancelled)), "{way:?}");
                // A worker that ends between the two adds nothing to that.
                gate.open();
                while !run.is_finished() {
                    std::thread::yield_now();
                }
                let summaries = run.into_summaries();
                let [(0, Err(error))] = &summaries[..] else { panic!("{summaries:?}: {way:?}") };
                assert_eq!(error.kind(), TaskErrorKind::TimedOut, "{way:?}");
                let text = "worker 0 has no summary: it did not end within 5ms, the `finish_timeout`, and its \
                            thread was left behind";
                assert_eq!(error.to_string(), text);
            });
        }
    });
}

#[test]
fn a_worker_that_has_left_its_summary_is_no_error_however_long_its_thread_takes() {
    watched(|| {
        let gate = Gate::default();
        let _open = gate.open_on_drop();
        // Of two, one hangs.
        let specs = [slow_to_finish(&gate), SlowSpec { finish: None, drop: None }];
        let run = par_stateful(0..2, specs).chunk_size(1).with_summaries().build_now();
        let mut run = run.finish_timeout(LIMIT);
        assert_eq!(run.by_ref().filter(Result::is_ok).count(), 2);
        let summaries = run.into_summaries();
        let [(0, Err(_)), (1, Ok("finished"))] = &summaries[..] else { panic!("{summaries:?}") };
    });
}

#[test]
fn a_pool_has_limits_of_its_own() {
    watched(|| {
        // Its drop waits for a destructor, whatever the shutdown timeout.
        let gate = Gate::default();
        let mut pool = Pool::new([slow_to_drop(&gate)]).shutdown_timeout(Duration::from_millis(1));
        assert_eq!(pool.map(0..9).count(), 9);
        let opener = {
            let gate = gate.clone();
            std::thread::spawn(move || {
                gate.wait_for(1);
                crate::util::settle();
                gate.open();
            })
        };
        drop(pool);
        assert!(gate.is_open(), "the worker was not waited for");
        opener.join().unwrap();

        // Unless it is bounded.
        let gate = Gate::default();
        let _open = gate.open_on_drop();
        let limit = Duration::from_millis(5);
        let mut pool = Pool::new([slow_to_drop(&gate)]).finish_timeout(limit);
        assert_eq!(pool.map(0..9).count(), 9);
        drop(pool);
        let pool = Pool::new([slow_to_finish(&gate)]).finish_timeout(limit);
        let mut pool = pool.with_summaries();
        assert_eq!(pool.map(0..9).count(), 9);
        let summaries = pool.into_summaries();
        let [(0, Err(error))] = &summaries[..] else { panic!("{summaries:?}") };
        assert_eq!(error.kind(), TaskErrorKind::TimedOut);
        assert!(!gate.is_open());

        // What a map that was left early has in progress is not waited for twice without a limit.
        let ended = Count::default();
        let spec = {
            let (gate, ended) = (gate.clone(), ended.clone());
            init_fn(move || {
                let (gate, ended) = (gate.clone(), ended.clone());
                Ok::<_, String>(move |x: usize| {
                    if x == 1 {
                        gate.pass();
                    }
                    ended.add();
                })
            })
        };
        let mut pool = Pool::new(spec.times(2)).shutdown_timeout(limit);
        let came = gate.came();
        let mut map = pool.map(0..3);
        assert!(map.next().unwrap().is_ok());
        gate.wait_for(came + 1);
        drop(map);
        drop(pool);
        assert!(!gate.is_open());
    });
}

/// For a wait of this length there is one event, five seconds after its begin; so this test takes as long.
#[cfg(feature = "tracing")]
#[test]
fn a_long_wait_says_for_which_item() {
    use crate::collector::Collector;

    watched(|| {
        let (collector, gate) = (Collector::default(), Gate::default());
        let opener = {
            let (collector, gate) = (collector.clone(), gate.clone());
            std::thread::spawn(move || {
                gate.wait_for(1);
                while collector.events("run waits for worker").is_empty() {
                    std::thread::sleep(Duration::from_millis(1));
                }
                gate.open();
            })
        };
        let at_gate = gate.clone();
        collector.hear(move || {
            let work = move |x: usize| {
                if x == 3 {
                    at_gate.pass();
                }
            };
            let mut run = par_stateful(0.., [worker_fn(work)]).max_in_flight(100);
            assert_eq!(run.by_ref().take(3).filter(Result::is_ok).count(), 3);
            while gate.came() == 0 {
                std::thread::yield_now();
            }
            drop(run);
        });
        opener.join().unwrap();
        let [event] = &collector.events("run waits for worker")[..] else {
            panic!("more than one")
        };
        assert_eq!((event.get("worker"), event.get("index")), (Some("0"), Some("3")));
        assert!(collector.path(event).contains(&"mtask.run"));
    });
}
