//! Runs that are killed, and runs that continue them.

use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::util::{Place, gzip, parquet, rows, text};

/// So many lines are many parts, each of which is synced: slow enough to be killed anywhere.
const SMALL_PARTS: [&str; 2] = ["--group-tokens", "1000"];

/// Starts a run and kills it `after` so long; false if it was done before.
fn killed(place: &Place, args: &[&str], after: Duration) -> bool {
    let mut child = place.command(args).spawn().unwrap();
    std::thread::sleep(after);
    let killed = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    killed
}

/// Starts a run and kills it as soon as `parts` parts are committed.
fn killed_at(place: &Place, args: &[&str], folder: &str, parts: u64) {
    let mut child = place.command(args).spawn().unwrap();
    let start = Instant::now();
    while committed(place, folder) < parts {
        assert!(child.try_wait().unwrap().is_none(), "it was done before it could be killed");
        assert!(start.elapsed() < Duration::from_secs(60), "no part was committed");
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

fn committed(place: &Place, folder: &str) -> u64 {
    let Ok(json) = fs::read(place.path(folder).join("committed.json")) else { return 0 };
    serde_json::from_slice::<serde_json::Value>(&json).unwrap()["parts"].as_u64().unwrap()
}

fn below(n: u64) -> u64 {
    RandomState::new().build_hasher().finish() % n
}

/// A plain file, a compressed one and another, with bad lines in each.
fn inputs(place: &Place) {
    let text = text(1_000);
    let mut bad = text.clone().into_bytes();
    for line in (0..bad.len()).step_by(10_007) {
        bad[line] = 0xff;
    }
    place.write("in/a.txt", &bad);
    place.write("in/b.txt.gz", gzip(&bad));
    place.write("in/c.txt", &bad[..bad.len() / 2]);
}

#[test]
fn killed_ten_times_and_resumed_it_writes_the_same_parquet() {
    killed_ten_times("parquet");
}

#[test]
fn killed_ten_times_and_resumed_it_writes_the_same_jsonl() {
    killed_ten_times("jsonl");
}

fn killed_ten_times(extension: &str) {
    let place = Place::new();
    inputs(&place);
    let whole = format!("whole.{extension}");
    let output = format!("out.{extension}");
    let mut args = vec!["in", "-t", "tok.json", "-o", &*whole];
    args.extend(SMALL_PARTS);
    let start = Instant::now();
    let ran: crate::util::Ran = place.command(&args).output().unwrap().into();
    let took = start.elapsed().as_millis() as u64;
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);

    args[4] = &output;
    // One that was done before it could be killed is not refused, but done again.
    args.extend(["--resume", "--force"]);
    let mut kills = 0;
    for _ in 0..10 {
        let workers = (1 + below(4)).to_string();
        let args: Vec<&str> = args.iter().copied().chain(["--workers", &workers]).collect();
        kills += u32::from(killed(&place, &args, Duration::from_millis(below(took / 3 + 1))));
    }
    assert!(kills > 0, "every run was done before it could be killed");
    let last: crate::util::Ran = place.command(&args).output().unwrap().into();
    assert_eq!(last.code, Some(1), "{}", last.stderr);
    assert!(place.read(&output) == place.read(&whole), "after {kills} kills");
    assert_eq!(place.names(), ["in", &output, &whole]);

    // The counts of the whole, not of the last run alone.
    let counts = |said: &str| {
        let line = said.lines().find(|line| line.contains(" tokens, ")).unwrap().to_owned();
        let tokens = line[..line.find(" tokens, ").unwrap()].rsplit(' ').next().unwrap().to_owned();
        let errors = line[..line.find(" errors ").unwrap()].rsplit(' ').next().unwrap().to_owned();
        (tokens, errors)
    };
    assert_eq!(counts(&last.stderr), counts(&ran.stderr));
}

/// A run that was killed behind its third part; gives its arguments.
fn unfinished(place: &Place) -> Vec<&'static str> {
    place.write("in.txt", text(2_000));
    let mut args = vec!["in.txt", "-t", "tok.json"];
    args.extend(SMALL_PARTS);
    killed_at(place, &args, "tokens.parquet.parts", 3);
    args
}

fn run(place: &Place, args: &[&str], more: &[&str]) -> crate::util::Ran {
    let args: Vec<&str> = args.iter().chain(more).copied().collect();
    place.command(&args).output().unwrap().into()
}

#[test]
fn what_was_written_whole_is_not_written_again() {
    let place = Place::new();
    let args = unfinished(&place);
    let stamp = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
    let parts = place.path("tokens.parquet.parts");
    let first = stamp(&parts.join("00000000.part"));
    let done = committed(&place, "tokens.parquet.parts");
    let resumed: Vec<&str> = args.iter().copied().chain(["--resume"]).collect();
    killed_at(&place, &resumed, "tokens.parquet.parts", done + 2);
    assert_eq!(stamp(&parts.join("00000000.part")), first);
    // Each part is a file that can be read, and together they are the beginning of the whole.
    let (part, groups) = parquet(&parts.join("00000000.part"));
    assert_eq!(groups.len(), 1);
    let ran = run(&place, &resumed, &[]).ok();
    assert!(ran.stderr.contains("continuing behind "), "{}", ran.stderr);
    assert!(ran.stderr.contains("2,000 documents ("), "{}", ran.stderr);
    let (whole, _) = parquet(&place.path("tokens.parquet"));
    assert_eq!(whole[..part.len()], part);
    assert_eq!(whole.len(), 2_000);
}

#[test]
fn an_unfinished_run_is_not_overwritten_unasked() {
    let place = Place::new();
    let args = unfinished(&place);
    let done = committed(&place, "tokens.parquet.parts");
    let said = ["holds a run that was not completed"];
    run(&place, &args, &[]).says(2, &said);
    run(&place, &args, &["--unordered"]).says(2, &said);
    assert_eq!(committed(&place, "tokens.parquet.parts"), done);
    let ran = run(&place, &args, &["--restart"]).ok();
    assert!(!ran.stderr.contains("continuing"), "{}", ran.stderr);
    assert_eq!(place.names(), ["in.txt", "tokens.parquet"]);
    assert_eq!(parquet(&place.path("tokens.parquet")).0.len(), 2_000);

    fs::remove_file(place.path("tokens.parquet")).unwrap();
    let args = unfinished(&place);
    run(&place, &args, &["--unordered", "--restart"]).ok();
    assert_eq!(place.names(), ["in.txt", "tokens.parquet"]);
}

#[test]
fn another_job_is_not_continued() {
    let place = Place::new();
    let args = unfinished(&place);
    let resume = |place: &Place, more: &[&str]| {
        let more: Vec<&str> = more.iter().copied().chain(["--resume"]).collect();
        run(place, &args, &more)
    };
    resume(&place, &["--limit", "5"]).says(2, &["--limit was null in the earlier run, and is 5"]);
    resume(&place, &["--field", "x"])
        .says(2, &["--field was null in the earlier run, and is \"x\""]);
    resume(&place, &["tok.json"]).says(2, &["had 1 input files, this one has 2"]);
    place.write("other.txt", "one\n");
    let mut other = args.clone();
    other[0] = "other.txt";
    let ran = run(&place, &other, &["--resume"]);
    ran.says(2, &["the earlier run read in.txt where this one reads other.txt"]);
    let tokenizer = place.read("tok.json");
    place.write("tok.json", [&tokenizer[..], b"\n"].concat());
    resume(&place, &[]).says(2, &["the tokenizer is another one"]);
    place.write("tok.json", &tokenizer);

    // The same bytes at another time: the user who copied them has to say that they are the same.
    let text = place.read("in.txt");
    place.write("in.txt", &text);
    resume(&place, &[]).says(2, &["in.txt has changed since the earlier run, if only its time"]);
    place.write("in.txt", [&text[..], b"\n"].concat());
    let changed = ["the input in.txt has changed since the earlier run (--restart"];
    resume(&place, &["--ignore-times"]).says(2, &changed);
    place.write("in.txt", &text);
    let ran = resume(&place, &["--ignore-times"]).ok();
    assert!(ran.stderr.contains("continuing behind "), "{}", ran.stderr);
    assert_eq!(parquet(&place.path("tokens.parquet")).0.len(), 2_000);
}

#[test]
fn what_changes_no_byte_may_change() {
    let place = Place::new();
    let args = unfinished(&place);
    let more = ["--resume", "--workers", "3", "--max-in-flight", "5", "--on-error", "stop"];
    run(&place, &args, &more).ok();
    assert_eq!(parquet(&place.path("tokens.parquet")).0.len(), 2_000);
}

#[test]
fn damaged_parts_are_not_continued() {
    let place = Place::new();
    let args = unfinished(&place);
    let part = place.path("tokens.parquet.parts/00000001.part");
    let bytes = fs::read(&part).unwrap();
    fs::write(&part, &bytes[1..]).unwrap();
    run(&place, &args, &["--resume"]).says(2, &["are not those that were written"]);
    fs::remove_file(&part).unwrap();
    run(&place, &args, &["--resume"]).says(2, &["00000001.part: No such file"]);
    fs::write(&part, bytes).unwrap();
    run(&place, &args, &["--resume"]).ok();
}

#[test]
fn what_stopped_at_an_error_can_be_continued() {
    let place = Place::new();
    let text = text(600);
    let mut bad = text.clone().into_bytes();
    bad.splice(20_000..20_000, *b"\n\xff\n");
    place.write("in.txt", &bad);
    let args = ["in.txt", "-t", "tok.json", "--group-rows", "100"];
    let ran = run(&place, &args, &["--on-error", "stop"]);
    ran.says(1, &["what is done is kept: --resume continues behind "]);
    let ran = run(&place, &args, &["--resume"]);
    ran.says(1, &["not UTF-8", "continuing behind ", " 1 errors "]);
    assert_eq!(parquet(&place.path("tokens.parquet")).0.len(), 601);
}

#[test]
fn nothing_to_resume_is_a_start_from_the_beginning() {
    let place = Place::new();
    place.write("in.txt", "one\ntwo\n");
    place.run("in.txt --resume").ok();
    let expected = rows("in.txt", &[(1, "one"), (2, "two")]);
    assert_eq!(parquet(&place.path("tokens.parquet")).0, expected);

    // What is complete is not done again, nor taken for the output of whatever is asked for now.
    place.write("other.txt", "three\n");
    let said = ["nothing to resume: tokens.parquet is complete (--force writes it again)"];
    place.run("other.txt --resume").says(2, &said);
    assert_eq!(parquet(&place.path("tokens.parquet")).0, expected);
    place.run("other.txt --resume --force").ok();
    assert_eq!(parquet(&place.path("tokens.parquet")).0, rows("other.txt", &[(1, "three")]));
}

#[test]
fn what_cannot_be_resumed_is_refused() {
    let place = Place::new();
    place.write("in.txt", "one\n");
    place.run("in.txt -o - --resume").says(2, &["--resume needs an output file"]);
    place.run("- --resume").says(2, &["--resume needs input files that can be read again: -"]);
    assert_eq!(place.names(), ["in.txt"]);
}

#[test]
fn two_runs_do_not_write_the_same_output() {
    for more in [&[][..], &["--unordered"]] {
        let place = Place::new();
        place.write("in.txt", text(2_000));
        let args = [&["in.txt", "-t", "tok.json"], more, &SMALL_PARTS].concat();
        let mut first = place.command(&args).spawn().unwrap();
        let start = Instant::now();
        while place.names().len() < 2 {
            assert!(start.elapsed() < Duration::from_secs(60), "the first run has not started");
            std::thread::sleep(Duration::from_millis(1));
        }
        // The name may be there a moment before the lock is taken.
        std::thread::sleep(Duration::from_millis(20));
        run(&place, &args, &["--restart"]).says(2, &["another run is writing "]);
        assert!(first.wait().unwrap().success());
        assert_eq!(parquet(&place.path("tokens.parquet")).0.len(), 2_000);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_hundred_inputs_do_not_cost_a_hundred_writes() {
    let place = Place::new();
    for n in 0..3_000 {
        place.write(&format!("in/{n}.txt"), "one\n");
    }
    let mut child = place.command(&["in", "-t", "tok.json", "-w", "1"]).spawn().unwrap();
    let start = Instant::now();
    while !place.path("tokens.parquet.parts/job.json").exists() {
        assert!(start.elapsed() < Duration::from_secs(60), "no record of the inputs");
        std::thread::sleep(Duration::from_millis(1));
    }
    let io = fs::read_to_string(format!("/proc/{}/io", child.id())).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let writes = io.lines().find_map(|line| line.strip_prefix("syscw: ")).unwrap();
    // What else is written until then are wake-ups and a line or two.
    assert!(writes.parse::<u64>().unwrap() < 300, "{io}");
}
