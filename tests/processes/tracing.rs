//! The feature `tracing`: what a host tells of the processes that it has.

use std::time::Duration;

use mtask::Processes;
use mtask::prelude::*;
use tracing::Level;

use crate::collector::Collector;
use crate::util::watched;
use crate::worker::{Build, Obedient, Order};

#[test]
fn how_a_process_ended_is_told_and_that_another_came() {
    watched(|| {
        let collector = Collector::default();
        let orders = [Order::Double(1), Order::Abort, Order::Panic, Order::Double(2)];
        collector.hear(|| {
            let specs = Obedient::spec(Build::Well).times(1);
            let results = par_stateful(orders, specs).backend(Processes::new()).chunk_size(1);
            assert_eq!(results.filter(Result::is_err).count(), 2);
        });
        let told = [
            "worker built",
            "process ended",
            "process restarted",
            "worker built",
            "worker panicked",
            "worker built",
            "run finished",
        ];
        assert_eq!(collector.messages(), told);
        let [ended] = &collector.events("process ended")[..] else { panic!("one has") };
        assert_eq!((ended.level(), ended.get("worker")), (Level::WARN, Some("0")));
        assert!(ended.get("status").unwrap().contains("SIGABRT"));
        assert_eq!(ended.get("limit"), None);
        let restarted = &collector.events("process restarted")[0];
        assert_eq!((restarted.level(), restarted.get("ended")), (Level::INFO, ended.get("status")));
        let panic = &collector.events("worker panicked")[0];
        assert_eq!((panic.get("index"), panic.get("panic")), (Some("2"), Some("as asked")));
        for event in [ended, restarted, panic] {
            assert_eq!(collector.path(event), ["mtask.worker", "mtask.run"]);
        }
        assert_eq!(collector.spans("mtask.run")[0].get("backend"), Some("processes"));
        assert!(collector.spans("mtask.worker").iter().all(|span| span.is_closed()));
    });
}

#[test]
fn a_time_limit_is_told_and_a_lifespan_is_no_death() {
    watched(|| {
        let collector = Collector::default();
        collector.hear(|| {
            let orders = [Order::Sleep(Duration::from_secs(60))];
            let backend = Processes::new().task_timeout(Duration::from_millis(100));
            let specs = Obedient::spec(Build::Well).times(1);
            assert_eq!(par_stateful(orders, specs).backend(backend).flatten().count(), 0);
        });
        assert_eq!(collector.events("process ended")[0].get("limit"), Some("100ms"));

        let collector = Collector::default();
        collector.hear(|| {
            let specs = Obedient::spec(Build::Well).times(1);
            let results = par_stateful((0..5).map(Order::Double), specs).backend(Processes::new());
            assert_eq!(results.lifespan(2).flatten().count(), 5);
        });
        let told = ["worker built", "lifespan over"];
        let told = [&told[..], &told, &["worker built", "run finished"]].concat();
        assert_eq!(collector.messages(), told);
    });
}

#[test]
fn two_lanes_are_one_worker_and_an_early_drop_is_no_death() {
    watched(|| {
        let collector = Collector::default();
        collector.hear(|| {
            let specs = Obedient::spec(Build::Well).times(2);
            let mut results =
                par_stateful((0..).map(Order::Double), specs).backend(Processes::new());
            assert_eq!(results.by_ref().take(2_000).flatten().count(), 2_000);
        });
        assert_eq!(collector.spans("mtask.worker").len(), 2);
        assert_eq!(collector.events("run cancelled").len(), 1);
        assert!(collector.events("process ended").is_empty());
    });
}
