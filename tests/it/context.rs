//! What a worker can know of the item in hand.

use std::sync::mpsc::channel;
use std::time::Duration;

use mtask::prelude::*;
use mtask::{Context, Worker, par_stateful_ok};

use crate::util::watched;

struct Told {
    base: usize,
}

#[delayed_init]
impl Told {
    fn new(base: usize) -> Self {
        Self { base }
    }

    fn call(&mut self, x: usize, context: &Context<'_>) -> [usize; 4] {
        [self.base + x, context.worker(), context.index(), context.attempt()]
    }
}

struct Pair;

#[delayed_init(named)]
impl Pair {
    fn new() -> Self {
        Self
    }

    fn call(&mut self, a: &str, b: u32, context: &Context<'_>) -> String {
        format!("{}:{a}{b}", context.index())
    }
}

#[test]
fn it_tells_worker_item_and_attempt() {
    watched(|| {
        // Cheap ones, in claims of many.
        let results = par_stateful(100..20_100, Told::spec(1).times(3)).propagate_panics();
        for (index, [value, worker, item, attempt]) in results.enumerate() {
            assert_eq!((value, item, attempt), (index + 101, index, 1));
            assert!(worker < 3);
        }
        let boxed = [Told::spec(0).boxed(), Told::spec(0).boxed()];
        let results = par_stateful(0..100, boxed).propagate_panics();
        assert!(results.map(|told| told[2]).eq(0..100));
        let results = par_stateful(5..105, Told::spec(0).times(2)).inline().propagate_panics();
        assert!(results.map(|told| told[2]).eq(0..100));
        let oks = (5..105).map(Ok::<_, ()>);
        let results = par_stateful_ok(oks, Told::spec(0).times(2)).propagate_panics();
        assert!(results.map(|told| told.unwrap()[2]).eq(0..100));
    });
}

#[test]
fn borrowed_and_named_arguments_go_before_it() {
    watched(|| {
        let inputs = [PairInput { a: "x".to_owned(), b: 1 }, PairInput { a: "y".to_owned(), b: 2 }];
        let results = par_stateful(inputs, [Pair::spec()]).propagate_panics();
        assert_eq!(results.collect::<Vec<_>>(), ["0:x1", "1:y2"]);
        let mut pair = Pair::spec().build().unwrap();
        assert_eq!(Worker::call(&mut pair, PairInput { a: "z".to_owned(), b: 3 }), "0:z3");
    });
}

#[test]
fn a_long_item_sees_that_the_run_was_cancelled() {
    struct Long;
    impl Worker for Long {
        type Input = std::sync::mpsc::Sender<&'static str>;
        type Output = ();

        fn call(&mut self, _: Self::Input) {}

        fn call_with(&mut self, told: Self::Input, context: &Context<'_>) {
            told.send("begun").unwrap();
            while !context.is_cancelled() {
                std::thread::sleep(Duration::from_millis(1));
            }
            told.send("seen").unwrap();
        }
    }
    #[derive(Clone)]
    struct LongSpec;
    impl Spec<Long> for LongSpec {
        fn build(&self) -> Result<Long, BuildError> {
            Ok(Long)
        }
    }
    watched(|| {
        for by_drop in [true, false] {
            let (told, heard) = channel();
            let mut results = par_stateful([told.clone(), told], LongSpec.times(2)).start();
            assert_eq!([heard.recv(), heard.recv()], [Ok("begun"), Ok("begun")]);
            if by_drop {
                drop(results);
            } else {
                results.cancel_handle().cancel();
                assert_eq!(results.by_ref().count(), 2);
            }
            assert_eq!([heard.recv(), heard.recv()], [Ok("seen"), Ok("seen")]);
        }
    });
}
