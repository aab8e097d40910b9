//! One way to run items in two processes, measured: `mtask-bench-processes PEER WORK ITEMS`.
//!
//! Prints the seconds from the end of a warm-up to the last result.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use mtask::prelude::*;
use mtask::{ParStateful, Processes};
use serde::{Serialize, de::DeserializeOwned};
use serde_bytes::ByteBuf;

const WORKERS: usize = 2;
/// So many items go before the clock starts: workers are built, and sizes have settled.
const WARM_UP: usize = 2_000;
const LARGE: usize = 64 * 1024;

#[delayed_init(remote)]
fn add_one(x: u64) -> u64 {
    x + 1
}

#[delayed_init(remote)]
fn flip(bytes: ByteBuf) -> ByteBuf {
    flipped(bytes)
}

/// The bytes with a bit of the first one changed.
fn flipped(mut bytes: ByteBuf) -> ByteBuf {
    if let Some(first) = bytes.first_mut() {
        *first ^= 1;
    }
    bytes
}

/// The seconds for the items of a run behind its warm-up.
fn seconds<T>(mut results: impl Iterator<Item = T>, items: usize) -> f64 {
    assert_eq!(results.by_ref().take(WARM_UP).count(), WARM_UP);
    let start = Instant::now();
    assert_eq!(results.count(), items);
    start.elapsed().as_secs_f64()
}

fn numbers(items: usize) -> std::ops::Range<u64> {
    0..(WARM_UP + items) as u64
}

fn buffers(items: usize) -> impl Iterator<Item = ByteBuf> {
    (0..WARM_UP + items).map(|_| ByteBuf::from(vec![7; LARGE]))
}

fn tiny(
    items: usize,
    workers: usize,
) -> ParStateful<std::ops::Range<u64>, add_one, add_one, Processes> {
    par_stateful(numbers(items), add_one::spec().times(workers)).backend(Processes::new())
}

/// The results of a pool's items in order, with so many in flight.
fn in_order<I, O>(
    mut items: impl Iterator<Item = I>,
    spawn: impl Fn(I) -> procspawn::JoinHandle<O>,
    in_flight: usize,
) -> impl Iterator<Item = O>
where
    O: Serialize + DeserializeOwned,
{
    let mut waiting = VecDeque::new();
    std::iter::from_fn(move || {
        while waiting.len() < in_flight
            && let Some(item) = items.next()
        {
            waiting.push_back(spawn(item));
        }
        waiting.pop_front().map(|handle| handle.join().expect("it is answered"))
    })
}

fn pool() -> procspawn::Pool {
    procspawn::Pool::new(WORKERS).expect("a pool of processes is started")
}

/// The seconds that a byte takes to another process and back, so many times: what the system asks for
/// that.
///
/// The other process is `cat`, which reads and writes and does nothing else.
fn there_and_back(items: usize) -> f64 {
    let (mut here, theirs) = UnixStream::pair().expect("a pair of sockets is made");
    let output = theirs.try_clone().expect("a socket is cloned");
    let mut cat = Command::new("cat");
    let cat = cat.stdin(OwnedFd::from(theirs)).stdout(OwnedFd::from(output)).spawn();
    let seconds = seconds(
        (0..WARM_UP + items).map(|_| {
            let mut byte = [1];
            here.write_all(&byte).and_then(|()| here.read_exact(&mut byte)).expect("`cat` answers");
        }),
        items,
    );
    here.shutdown(Shutdown::Both).expect("the socket is closed");
    cat.and_then(|mut cat| cat.wait()).expect("`cat` ends with its input");
    seconds
}

fn measure(peer: &str, work: &str, items: usize) -> Option<f64> {
    Some(match (peer, work) {
        ("mtask", "tiny") => seconds(tiny(items, WORKERS).map(Result::unwrap), items),
        ("mtask", "alone") => seconds(tiny(items, 1).map(Result::unwrap), items),
        ("mtask", "lifespan") => {
            seconds(tiny(items, WORKERS).lifespan(items / 4).map(Result::unwrap), items)
        }
        ("mtask", "retries") => seconds(tiny(items, WORKERS).retries(3).map(Result::unwrap), items),
        ("mtask", "one") => seconds(tiny(items, 1).max_in_flight(1).map(Result::unwrap), items),
        ("mtask", "lockstep") => {
            let backend = Processes::new().task_timeout(Duration::from_secs(60));
            let run = par_stateful(numbers(items), [add_one::spec()]).backend(backend);
            seconds(run.map(Result::unwrap), items)
        }
        ("socket", "lockstep") => there_and_back(items),
        ("mtask", "large") => {
            let run = par_stateful(buffers(items), flip::spec().times(WORKERS));
            seconds(run.backend(Processes::new()).map(Result::unwrap), items)
        }
        ("procspawn", "tiny") => {
            let pool = pool();
            let spawn = |x| pool.spawn(x, |x: u64| x + 1);
            seconds(in_order(numbers(items), spawn, 64), items)
        }
        ("procspawn", "lockstep") => {
            let pool = pool();
            let spawn = |x| pool.spawn(x, |x: u64| x + 1);
            seconds(in_order(numbers(items), spawn, 1), items)
        }
        ("procspawn", "large") => {
            let pool = pool();
            let spawn = |bytes| pool.spawn(bytes, flipped);
            seconds(in_order(buffers(items), spawn, 16), items)
        }
        _ => return None,
    })
}

fn main() -> ExitCode {
    mtask::init();
    procspawn::init();
    let args: Vec<String> = std::env::args().skip(1).collect();
    let measured = match &*args {
        [peer, work, items] => items.parse().ok().and_then(|items| measure(peer, work, items)),
        _ => None,
    };
    let Some(seconds) = measured else {
        eprintln!(
            "usage: mtask-bench-processes mtask|procspawn|socket tiny|alone|lifespan|retries|lockstep|one|large \
             ITEMS"
        );
        return ExitCode::from(2);
    };
    println!("{seconds}");
    ExitCode::SUCCESS
}
