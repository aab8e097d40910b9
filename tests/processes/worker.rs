//! A worker that does whatever an item asks for.

use std::time::Duration;
use std::{fs, io, process, thread};

use mtask::prelude::*;
use serde::{Deserialize, Serialize};

/// What an item asks for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Order {
    /// Twice the number.
    Double(u64),
    Panic,
    Abort,
    Exit(i32),
    /// A signal to the worker's own process.
    Signal(i32),
    /// Reads where nothing is.
    Fault,
    Overflow,
    /// So many bytes, all of them written.
    Allocate(usize),
    Sleep(Duration),
    /// An output that cannot be encoded.
    Unencodable,
    /// An output of so many bytes.
    Large(usize),
    /// Closes every descriptor.
    CloseAll,
    /// Writes to the standard output.
    Print,
    /// The number of this process.
    Pid,
    /// A variable of the environment.
    Env(String),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Answer {
    Number(u64),
    Bytes(#[serde(with = "serde_bytes_like")] Vec<u8>),
    Text(Option<String>),
    Never(Never),
}

/// Cannot be encoded.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Never;

impl Serialize for Never {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("this is never sent"))
    }
}

impl<'de> Deserialize<'de> for Never {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom("this never comes"))
    }
}

mod serde_bytes_like {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], out: S) -> Result<S::Ok, S::Error> {
        out.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<u8>, D::Error> {
        Vec::deserialize(input)
    }
}

/// How its building goes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Build {
    Well,
    Fail(String),
    Panic,
    Abort,
    /// Fails, or is ended, as often as there are bytes missing in a file.
    WellAt(String, usize),
    Sleep(Duration),
}

pub(crate) struct Obedient;

#[delayed_init(remote)]
impl Obedient {
    pub(crate) fn new(build: Build) -> Result<Self, mtask::RemoteError> {
        match build {
            Build::Well => {}
            Build::Fail(reason) => return Err(io::Error::other(reason).into()),
            Build::Panic => panic!("not today"),
            Build::Abort => process::abort(),
            Build::Sleep(time) => thread::sleep(time),
            Build::WellAt(path, tries) => {
                let mut tried = fs::read(&path).unwrap_or_default();
                tried.push(b'.');
                fs::write(&path, &tried)?;
                if tried.len() < tries {
                    process::abort();
                }
            }
        }
        Ok(Self)
    }

    fn call(&mut self, order: Order) -> Answer {
        match order {
            Order::Double(number) => Answer::Number(2 * number),
            Order::Panic => panic!("as asked"),
            Order::Abort => process::abort(),
            Order::Exit(code) => process::exit(code),
            Order::Signal(signal) => {
                let pid = process::id().to_string();
                let _ = process::Command::new("kill").args([format!("-{signal}"), pid]).status();
                thread::sleep(Duration::from_secs(60));
                Answer::Number(0)
            }
            Order::Fault => Answer::Number(fault()),
            Order::Overflow => Answer::Number(overflow(1)),
            Order::Allocate(bytes) => {
                Answer::Number(vec![1u8; bytes].iter().map(|&b| u64::from(b)).sum())
            }
            Order::Sleep(time) => {
                thread::sleep(time);
                Answer::Number(0)
            }
            Order::Unencodable => Answer::Never(Never),
            Order::Large(bytes) => Answer::Bytes(vec![7; bytes]),
            Order::CloseAll => {
                close_all();
                thread::sleep(Duration::from_secs(60));
                Answer::Number(0)
            }
            Order::Print => {
                println!("not a frame: \0\x01\x02\x03");
                Answer::Number(0)
            }
            Order::Pid => Answer::Number(u64::from(process::id())),
            Order::Env(name) => Answer::Text(std::env::var(name).ok()),
        }
    }
}

fn fault() -> u64 {
    // SAFETY: none: that is the point.
    #[allow(unsafe_code, reason = "a worker that reads where nothing is")]
    unsafe {
        std::ptr::without_provenance::<u64>(8).read_volatile()
    }
}

#[allow(unconditional_recursion)]
fn overflow(depth: u64) -> u64 {
    let frame = std::hint::black_box([depth; 512]);
    overflow(depth + 1) + frame[7]
}

/// Closes what is open, as a C library gone wrong might.
fn close_all() {
    for fd in 3..256 {
        // SAFETY: no claim is made of what is behind it: that is the point.
        #[allow(unsafe_code, reason = "a worker that closes what is not its own")]
        drop(unsafe { <std::os::fd::OwnedFd as std::os::fd::FromRawFd>::from_raw_fd(fd) });
    }
}
