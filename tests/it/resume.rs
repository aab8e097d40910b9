//! `examples/resume.rs`, interrupted.
//!
//! Its source is a module here, and the program is this very test binary: so there is nothing that has to
//! be built or found first, and nothing that can be out of date.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, LineWriter};
use std::path::{Path, PathBuf};
use std::process::{self, Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

use rustix::process::{Pid, Signal, kill_process};

use crate::util::watched;

// Its `main` is not called.
#[allow(dead_code)]
#[path = "../../examples/resume.rs"]
mod example;

const ARGUMENTS: &str = "MTASK_TEST_RESUME_ARGUMENTS";
const OUTPUT: &str = "MTASK_TEST_RESUME_OUTPUT";

/// The program, in a process that [`Interrupted`] starts.
#[test]
#[ignore = "only for the tests below, in a process of its own"]
fn as_a_program() {
    let (Ok(arguments), Some(output)) = (env::var(ARGUMENTS), env::var_os(OUTPUT)) else { return };
    let output = File::options().append(true).create(true).open(output).unwrap();
    let arguments = arguments.split(' ').map(str::to_owned);
    // `exit` ends it before the test harness writes anything.
    process::exit(example::program(arguments, &mut LineWriter::new(output)).into());
}

/// A running program. Killed when dropped, so that a test that fails leaves none behind.
struct Program {
    child: Child,
    stderr: BufReader<ChildStderr>,
}

impl Program {
    /// Starts it, with its output appended to a file, and waits until it can be interrupted.
    fn start(output: &Path, arguments: &str) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "resume::as_a_program", "--ignored", "--nocapture"])
            .env(ARGUMENTS, arguments)
            .env(OUTPUT, output)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let mut program = Self { child, stderr };
        program.wait_for("from ");
        program
    }

    /// Reads the standard error up to a line that begins so, and gives the rest of that.
    fn wait_for(&mut self, start: &str) -> String {
        let mut line = String::new();
        loop {
            line.clear();
            assert_ne!(self.stderr.read_line(&mut line).unwrap(), 0, "no line {start:?}");
            if let Some(rest) = line.strip_prefix(start) {
                return rest.trim_end().to_owned();
            }
        }
    }

    fn interrupt(&self) {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
    }

    fn code(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn output(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let path = path.join(format!("resume-{name}-{}.txt", process::id()));
    let _ = fs::remove_file(&path);
    path
}

fn lines(path: &Path) -> usize {
    fs::read_to_string(path).map_or(0, |text| text.lines().count())
}

#[test]
fn interrupted_and_taken_up_it_writes_what_it_writes_at_one_go() {
    watched(|| {
        let (whole, parts) = (output("whole"), output("parts"));
        assert_eq!(Program::start(&whole, "--to 150 --millis 0").code(), Some(0));
        assert_eq!(lines(&whole), 150);

        let (mut from, mut interruptions) = (0, 0);
        loop {
            let arguments = format!("--from {from} --to 150 --millis 4");
            let mut program = Program::start(&parts, &arguments);
            // Anywhere: as soon as it listens, and after ever so many lines.
            let until = from + [0, 1, 20, 37][interruptions % 4];
            while lines(&parts) < until.min(150) {
                thread::sleep(Duration::from_millis(1));
            }
            program.interrupt();
            match program.code() {
                Some(0) => break,
                code => assert_eq!(code, Some(1)),
            }
            let said = program.wait_for("resume with --from ").parse().unwrap();
            // In order, so that this says that what was written is exactly what comes before.
            assert_eq!(lines(&parts), said);
            (from, interruptions) = (said, interruptions + 1);
        }
        assert!(interruptions >= 2, "{interruptions}");
        assert!(fs::read(&parts).unwrap() == fs::read(&whole).unwrap());
        fs::remove_file(whole).unwrap();
        fs::remove_file(parts).unwrap();
    });
}

#[test]
fn the_second_time_it_ends_at_once() {
    watched(|| {
        let path = output("twice");
        // Where the first one comes before anything was pulled there is nothing to wait for: then again,
        // and later.
        let mut millis = 20;
        let mut program = loop {
            let mut program = Program::start(&path, "--to 100 --millis 3600000");
            thread::sleep(Duration::from_millis(millis));
            program.interrupt();
            program.wait_for("ending in order");
            thread::sleep(Duration::from_millis(millis));
            match program.child.try_wait().unwrap() {
                None => break program, // it waits for what takes an hour
                Some(status) => assert_eq!(status.code(), Some(1)),
            }
            millis *= 2;
        };
        let second = Instant::now();
        program.interrupt();
        assert_eq!(program.code(), Some(130));
        let took = second.elapsed();
        assert!(took < Duration::from_secs(5), "{took:?}");
        assert_eq!(lines(&path), 0);
        fs::remove_file(path).unwrap();
    });
}
