//! How a child keeps apart from its parent, before it does anything else.

use std::path::PathBuf;
use std::{env, fs, io};

use rustix::process::{Signal, getpgrp, getpid, getppid};

use super::child::NAME;

/// Names the parent of a child by its number. The name of a program alone does not make it a child.
pub(super) const PARENT: &str = "MTASK_PARENT";
/// How much sooner than its parent a child is ended where the system is out of memory, of 1,000.
const EXPENDABLE: i32 = 100;

/// True in a process that is to serve.
///
/// What a child starts has its environment, and may be called as it is; but it has another parent, and no
/// socket as its standard input. A child has that socket where its parent has died meanwhile.
pub(super) fn is_child() -> bool {
    env::args_os().next().is_some_and(|name| name == NAME)
        && env::var_os(PARENT).is_some()
        && (!is_orphan() || rustix::net::sockopt::socket_type(io::stdin()).is_ok())
}

/// The parent has died. Within a namespace of processes that is younger than the parent, its number is 0.
pub(super) fn is_orphan() -> bool {
    let told = env::var(PARENT).ok().and_then(|number| number.parse().ok());
    getppid().is_some_and(|parent| Some(parent.as_raw_pid()) != told)
}

/// Leaves the parent's session, descriptors and name.
pub(super) fn keep_apart() {
    // A session of its own has no terminal, which could stop it for what it writes there (`stty tostop`).
    let _ = rustix::process::setsid();
    close_inherited();
    let own = fs::read_to_string("/proc/self/oom_score_adj").ok();
    if let Some(own) = own.and_then(|own| own.trim().parse::<i32>().ok()) {
        let _ = fs::write("/proc/self/oom_score_adj", (own + EXPENDABLE).min(1_000).to_string());
    }
    // That of the main thread, and so of the process.
    let _ = fs::write("/proc/self/comm", NAME);
}

/// Closes what is open in the parent too and is not close-on-exec, but for the standard descriptors.
///
/// What the program itself, or a library in it, has opened here before is left alone.
fn close_inherited() {
    let Ok(entries) = fs::read_dir("/proc/self/fd") else { return };
    let open = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let open: Vec<i32> = open.collect();
    let Ok(parent) = env::var(PARENT) else { return };
    for fd in open.into_iter().filter(|&fd| fd > 2) {
        let own = inheritable("self", fd);
        if own.is_some() && own == inheritable(&parent, fd) {
            let _ = nix::unistd::close(fd);
        }
    }
}

/// What a descriptor of a process stands for, if it is not close-on-exec.
fn inheritable(process: &str, fd: i32) -> Option<PathBuf> {
    const CLOEXEC: u32 = 0o2_000_000;
    let info = fs::read_to_string(format!("/proc/{process}/fdinfo/{fd}")).ok()?;
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"))?;
    let flags = u32::from_str_radix(flags.trim(), 8).ok()?;
    if flags & CLOEXEC != 0 {
        return None;
    }
    fs::read_link(format!("/proc/{process}/fd/{fd}")).ok()
}

/// Ends this process by force, and all of its group with it.
pub(super) fn end_group() {
    let own = getpid();
    if getpgrp() == own {
        let _ = rustix::process::kill_process_group(own, Signal::KILL);
    }
    let _ = rustix::process::kill_process(own, Signal::KILL);
}
