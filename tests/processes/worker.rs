//! A worker that does whatever an item asks for.

use std::os::fd::{BorrowedFd, OwnedFd};
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
    /// Leaves the number of the process in a file, and sleeps.
    Announce(String),
    /// The same, and sleeps for so long.
    Stay(String, Duration),
    /// Sleeps, or computes where another one sleeps already, and says so in a file of a folder.
    Busy(String),
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
    /// The open descriptors.
    Descriptors,
    /// What a script prints.
    Shell(String),
    /// A script, whose output is not read.
    Detached(String),
    /// A script that has this process's sockets as its standard ones.
    Lend(String),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Answer {
    Number(u64),
    Bytes(#[serde(with = "serde_bytes_like")] Vec<u8>),
    Text(Option<String>),
    Descriptors(Vec<(u32, String)>),
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
    /// Leaves the number of the process in a file and sleeps; well where the file is there.
    AnnounceOnce(String),
    Sleep(Duration),
}

pub(crate) struct Obedient;

#[delayed_init(remote)]
impl Obedient {
    pub(crate) fn new(build: Build) -> Result<Self, RemoteError> {
        match build {
            Build::Well => {}
            Build::Fail(reason) => return Err(io::Error::other(reason).into()),
            Build::Panic => panic!("not today"),
            Build::Abort => process::abort(),
            Build::Sleep(time) => thread::sleep(time),
            Build::AnnounceOnce(path) => {
                if !fs::exists(&path)? {
                    announce(&path);
                    thread::sleep(FOREVER);
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
            Order::Announce(path) => {
                announce(&path);
                thread::sleep(FOREVER);
                Answer::Number(0)
            }
            Order::Stay(path, time) => {
                announce(&path);
                thread::sleep(time);
                Answer::Number(0)
            }
            Order::Busy(folder) => {
                if fs::File::create_new(format!("{folder}/sleeping")).is_ok() {
                    announce(&format!("{folder}/sleeps"));
                    thread::sleep(FOREVER);
                }
                announce(&format!("{folder}/computes"));
                loop {
                    std::hint::spin_loop();
                }
            }
            Order::Descriptors => Answer::Descriptors(descriptors()),
            Order::Shell(script) => {
                let output = shell(&script).output().unwrap();
                Answer::Text(String::from_utf8(output.stdout).ok())
            }
            Order::Detached(script) => {
                shell(&script).status().unwrap();
                Answer::Number(0)
            }
            Order::Lend(script) => {
                let [input, output] = sockets();
                shell(&script).stdin(input).stdout(output).status().unwrap();
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

/// Longer than any test.
const FOREVER: Duration = Duration::from_secs(600);

fn announce(path: &str) {
    fs::write(path, process::id().to_string()).unwrap();
}

fn shell(script: &str) -> process::Command {
    let mut command = process::Command::new("sh");
    command.args(["-c", script]);
    command
}

fn descriptors() -> Vec<(u32, String)> {
    #[cfg(target_os = "linux")]
    let mut all = crate::system::descriptors();
    #[cfg(not(target_os = "linux"))]
    let mut all = Vec::new();
    all.sort();
    all
}

/// Copies of this process's sockets, as a library that forks has them.
pub(crate) fn sockets() -> [OwnedFd; 2] {
    let all = descriptors();
    let mut sockets = all.iter().filter(|(_, link)| link.starts_with("socket:")).map(|&(fd, _)| {
        // SAFETY: it was open just now, and the one who closes it ends this process.
        #[allow(unsafe_code, reason = "a worker that lends what is not its own")]
        let socket = unsafe { BorrowedFd::borrow_raw(i32::try_from(fd).unwrap()) };
        socket.try_clone_to_owned().unwrap()
    });
    [(); 2].map(|()| sockets.next().unwrap())
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
    // What they were listed from is closed already.
    let open = descriptors().into_iter().filter(|(fd, link)| *fd > 2 && !link.ends_with("/fd"));
    for (fd, _) in open {
        // SAFETY: no claim is made of what is behind it: that is the point.
        #[allow(unsafe_code, reason = "a worker that closes what is not its own")]
        unsafe {
            rustix::io::close(i32::try_from(fd).unwrap());
        }
    }
}
