//! Models of a consumer that polls, under an executor that polls only when it was woken: a lost
//! wake-up shows as a deadlock.

use std::collections::VecDeque;
use std::sync::Arc as StdArc;
use std::task::{Poll, Wake, Waker};

use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

use super::{Model, ONE, QUICK, Rest, Shared, blocked, busy, model, plan, same};
use crate::bridge::{Bridge, Finished, Notifier, Outlet, Plan, PollPull, Pull, Slept, Turn};

/// Where the executor sleeps.
struct Alarm {
    woken: Mutex<bool>,
    heard: Condvar,
}

impl Wake for Alarm {
    fn wake(self: StdArc<Self>) {
        *self.woken.lock().unwrap() = true;
        self.heard.notify_one();
    }
}

/// An executor with one task.
struct Executor {
    alarm: StdArc<Alarm>,
    waker: Waker,
}

impl Executor {
    fn new() -> Self {
        let alarm = StdArc::new(Alarm { woken: Mutex::new(false), heard: Condvar::new() });
        Self { waker: StdArc::clone(&alarm).into(), alarm }
    }

    fn run(&self, mut poll: impl FnMut(&Waker) -> Poll<Option<Finished<usize>>>) -> Option<usize> {
        loop {
            if let Poll::Ready(next) = poll(&self.waker) {
                return next.map(|finished| finished.result.unwrap());
            }
            let mut woken = self.alarm.woken.lock().unwrap();
            while !*woken {
                woken = self.alarm.heard.wait(woken).unwrap();
            }
            *woken = false;
        }
    }
}

fn polled(workers: usize, window: usize) -> Plan {
    Plan { polled: true, ..plan(workers, window) }
}

/// Takes all that comes.
fn drain(model: &mut Model) -> Vec<usize> {
    let executor = Executor::new();
    let mut seen = Vec::new();
    loop {
        *model.returned.lock().unwrap() = seen.len();
        let Some(item) = executor.run(|waker| model.outlet.poll(waker)) else { return seen };
        seen.push(item);
    }
}

#[test]
fn a_task_is_woken_for_each_result_and_for_the_end() {
    for ordered in [true, false] {
        model(1..=2, move || {
            let plan = Plan { ordered, ..polled(2, 2) };
            let mut model = Model::start(plan, QUICK, 2, same);
            let mut seen = drain(&mut model);
            if !ordered {
                seen.sort_unstable();
            }
            assert_eq!(seen, [0, 1]);
            model.join();
        });
    }
}

#[test]
fn a_task_and_one_worker_wake_each_other() {
    for stride in [ONE, QUICK] {
        model(1..=3, move || {
            let mut model = Model::start(polled(1, 1), stride, 2, same);
            assert_eq!(drain(&mut model), [0, 1]);
            model.join();
        });
    }
}

#[test]
fn a_task_is_woken_by_a_close_and_by_a_cancel() {
    for cancels in [true, false] {
        model(1..=2, move || {
            let mut model = match cancels {
                true => Model::start(polled(1, 1), ONE, 1, busy),
                false => Model::start_with(polled(1, 2), ONE, 1, blocked, same),
            };
            let notifier = Arc::clone(model.bridge.notifier());
            let outside = thread::spawn(move || match cancels {
                true => notifier.cancel(),
                false => notifier.close(),
            });
            let seen = drain(&mut model);
            assert!(seen.iter().copied().eq(0..seen.len()));
            // As the engine does at the end of a run.
            model.bridge.cancel();
            outside.join().unwrap();
            model.join();
        });
    }
}

/// What a stream has, and whom it is to wake when it has more.
#[derive(Default)]
struct Channel {
    items: VecDeque<usize>,
    closed: bool,
    task: Option<Waker>,
}

/// The stream's end of it, for one poll.
struct Receiver<'a> {
    channel: &'a Mutex<Channel>,
    waker: &'a Waker,
    is_pending: bool,
}

impl Pull<usize> for Receiver<'_> {
    fn turn(&mut self, _index: usize, mut keep: impl FnMut(usize) -> bool) -> Turn {
        let mut channel = self.channel.lock().unwrap();
        match channel.items.pop_front() {
            Some(item) => assert!(!keep(item), "one at a time"),
            None if channel.closed => return Turn::End,
            None => {
                self.is_pending = true;
                channel.task = Some(self.waker.clone());
            }
        }
        Turn::Enough
    }
}

impl PollPull<usize> for Receiver<'_> {
    fn is_pending(&self) -> bool {
        self.is_pending
    }

    fn waker(&self) -> &Waker {
        self.waker
    }
}

fn feed(
    outlet: &mut Outlet<usize, usize>,
    executor: &Executor,
    channel: &Mutex<Channel>,
) -> Option<usize> {
    executor.run(|waker| outlet.poll_and_feed(&mut Receiver { channel, waker, is_pending: false }))
}

#[test]
fn a_task_that_feeds_is_woken_by_the_stream_and_by_the_workers() {
    model(1..=2, || {
        let plan = Plan { fed: true, ..polled(1, 2) };
        let Model { mut outlet, workers, .. } = Model::start(plan, ONE, 0, same);
        let channel = Arc::new(Mutex::new(Channel::default()));
        let sender = Arc::clone(&channel);
        let sender = thread::spawn(move || {
            for step in 0..2 {
                let mut channel = sender.lock().unwrap();
                match step {
                    0 => channel.items.push_back(0),
                    _ => channel.closed = true,
                }
                let task = channel.task.take();
                drop(channel);
                if let Some(task) = task {
                    task.wake();
                }
            }
        });
        let executor = Executor::new();
        assert_eq!(feed(&mut outlet, &executor, &channel), Some(0));
        assert_eq!(feed(&mut outlet, &executor, &channel), None);
        sender.join().unwrap();
        for worker in workers {
            worker.join().unwrap();
        }
    });
}

/// What a quick claim would miss: it makes good at its next result.
#[test]
fn a_task_is_woken_although_the_next_item_of_the_claim_takes_long() {
    model(1..=3, || {
        let plan = Plan { fed: true, ..polled(1, 4) };
        let (bridge, mut outlet): (Shared, _) = Bridge::new(plan, Arc::new(Notifier::new()));
        let gate = Arc::new((Mutex::new(false), Condvar::new()));
        let passed = Arc::clone(&gate);
        let worker = thread::spawn(move || {
            let mut source = Rest(VecDeque::new());
            let mut side = bridge.side(0);
            while let Some(mut claim) = side.claim(QUICK, &mut source, &mut Slept::default()) {
                while let Some(claimed) = claim.next() {
                    let (input, begun) = claimed.begin();
                    let mut open = passed.0.lock().unwrap();
                    while begun.index() == 1 && !*open {
                        open = passed.1.wait(open).unwrap();
                    }
                    drop(open);
                    begun.publish(Some(0), Ok(input));
                }
            }
        });
        let channel = Mutex::new(Channel { items: [0, 1].into(), closed: true, task: None });
        let executor = Executor::new();
        assert_eq!(feed(&mut outlet, &executor, &channel), Some(0));
        *gate.0.lock().unwrap() = true;
        gate.1.notify_one();
        assert_eq!(feed(&mut outlet, &executor, &channel), Some(1));
        assert_eq!(feed(&mut outlet, &executor, &channel), None);
        worker.join().unwrap();
    });
}

#[test]
fn a_task_that_may_not_feed_yet_is_woken_by_the_last_build() {
    model(1..=2, || {
        let plan = Plan { fed: true, build_now: true, ..polled(2, 2) };
        let Model { mut outlet, workers, .. } = Model::start(plan, ONE, 0, same);
        let channel = Mutex::new(Channel { items: [0].into(), closed: true, task: None });
        let executor = Executor::new();
        assert_eq!(feed(&mut outlet, &executor, &channel), Some(0));
        assert_eq!(feed(&mut outlet, &executor, &channel), None);
        for worker in workers {
            worker.join().unwrap();
        }
    });
}

/// As `a_consumer_that_feeds_is_closed_or_cancelled_from_outside`, by a task.
#[test]
fn a_task_that_feeds_is_closed_or_cancelled_from_outside() {
    for cancels in [false, true] {
        model(2..=2, move || {
            let plan = Plan { fed: true, ..polled(1, 2) };
            let mut model = Model::start(plan, ONE, 0, same);
            let notifier = Arc::clone(model.bridge.notifier());
            let outside = thread::spawn(move || match cancels {
                true => notifier.cancel(),
                false => notifier.close(),
            });
            let items = (0..3).collect();
            let channel = Mutex::new(Channel { items, closed: true, task: None });
            let executor = Executor::new();
            let mut given = 0;
            while let Some(item) = feed(&mut model.outlet, &executor, &channel) {
                assert_eq!(item, given);
                given += 1;
            }
            let left = channel.lock().unwrap().items.len();
            assert!(cancels || given + left == 3, "what was pulled is yielded");
            // As the engine does at the end of a run.
            model.bridge.cancel();
            outside.join().unwrap();
            model.join();
        });
    }
}
