//! Outputs that are there already, and outputs that are read.

use std::fs;

use crate::util::{Place, parquet, rows};

#[test]
fn an_output_that_is_there_is_replaced_only_by_force() {
    let place = Place::new();
    place.write("in.txt", "one\n");
    for more in ["", "--unordered", "--restart"] {
        place.write("tokens.parquet", "earlier");
        let read_only = |is: bool| {
            let mut permissions = fs::metadata(place.path("tokens.parquet")).unwrap().permissions();
            permissions.set_readonly(is);
            fs::set_permissions(place.path("tokens.parquet"), permissions).unwrap();
        };
        let args = format!("in.txt {more}");
        for is_read_only in [false, true] {
            read_only(is_read_only);
            place
                .run(&args)
                .says(2, &["error: tokens.parquet is there already: --force replaces it"]);
            assert_eq!(place.read("tokens.parquet"), b"earlier");
        }
        place.run(&format!("{args} --force")).ok();
        assert_eq!(parquet(&place.path("tokens.parquet")).0, rows("in.txt", &[(1, "one")]));
        assert_eq!(place.names(), ["in.txt", "tokens.parquet"]);
        fs::remove_file(place.path("tokens.parquet")).unwrap();
    }
}

/// An output that another program made while the run worked.
#[test]
#[cfg(unix)]
fn an_output_that_appeared_meanwhile_is_not_replaced() {
    use std::io::Write;
    use std::process::Stdio;

    let place = Place::new();
    let args = ["-", "-t", "tok.json", "-o", "out.jsonl"];
    let mut child = place.command(&args).stdin(Stdio::piped()).spawn().unwrap();
    while !place.path("out.jsonl.partial").exists() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    place.write("out.jsonl", "mine");
    child.stdin.take().unwrap().write_all(b"one\n").unwrap();
    let ran: crate::util::Ran = child.wait_with_output().unwrap().into();
    ran.says(2, &["out.jsonl is there already, and is another: --force replaces it"]);
    assert_eq!(place.read("out.jsonl"), b"mine");
    // What took a night is not thrown away for that.
    assert_eq!(crate::util::jsonl(&place.read("out.jsonl.partial")).len(), 1);
}

#[test]
fn the_demonstration_can_be_shown_again() {
    let place = Place::new();
    let demo = || -> crate::util::Ran { place.command::<&str>(&[]).output().unwrap().into() };
    demo().ok();
    demo().ok();
    place.write("tokens.parquet", "the work of a night");
    demo().says(2, &["tokens.parquet is there already, and is another: --force replaces it"]);
    assert_eq!(place.read("tokens.parquet"), b"the work of a night");
    assert_eq!(place.names(), ["tokens.parquet", "tokens.parquet.parts"]);
}

#[test]
#[cfg(unix)]
fn an_output_that_is_read_is_refused_by_whatever_name() {
    let place = Place::new();
    place.write("in/a.txt", "one\n");
    place.write("tok.jsonl", place.read("tok.json"));
    fs::hard_link(place.path("in/a.txt"), place.path("hard.jsonl")).unwrap();
    std::os::unix::fs::symlink("in/a.txt", place.path("soft.jsonl")).unwrap();
    std::os::unix::fs::symlink("soft.jsonl", place.path("softer.jsonl")).unwrap();
    std::os::unix::fs::symlink("in", place.path("folder")).unwrap();
    for (input, output) in [
        ("in/a.txt", "hard.jsonl"),
        ("in/a.txt", "soft.jsonl"),
        ("in", "softer.jsonl"),
        ("folder/a.txt", "in/a.txt"),
        ("hard.jsonl --field x", "in/a.txt --format jsonl"),
        ("/dev/stdin", "in/a.txt"),
        ("-", "in/a.txt"),
    ] {
        let args = format!("{input} -o {output} --force -t tok.json");
        let args: Vec<&str> = args.split_whitespace().collect();
        let stdin = fs::File::open(place.path("in/a.txt")).unwrap();
        let ran: crate::util::Ran = place.command(&args).stdin(stdin).output().unwrap().into();
        ran.says(2, &["this input is also the output"]);
        assert_eq!(place.read("in/a.txt"), b"one\n", "{output}");
    }
    for args in ["-o tok.json --format jsonl", "-t tok.jsonl -o tok.json --format jsonl"] {
        fs::remove_file(place.path("tok.jsonl")).unwrap();
        fs::hard_link(place.path("tok.json"), place.path("tok.jsonl")).unwrap();
        let args = format!("in --force {args}");
        let mut args: Vec<&str> = args.split_whitespace().collect();
        if !args.contains(&"-t") {
            args.extend(["-t", "tok.json"]);
        }
        let ran: crate::util::Ran = place.command(&args).output().unwrap().into();
        ran.says(2, &["the tokenizer is also the output"]);
    }

    // To standard output: it would read what it writes, for ever.
    let to = fs::File::options().append(true).open(place.path("in/a.txt")).unwrap();
    let args = ["in", "-t", "tok.json", "-o", "-"];
    let ran: crate::util::Ran = place.command(&args).stdout(to).output().unwrap().into();
    ran.says(2, &["in/a.txt: this input is also the output, standard output"]);
    assert_eq!(place.read("in/a.txt"), b"one\n");
}
