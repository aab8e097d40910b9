//! What the output's name says, and what it leads to.

use std::io::Read;

use flate2::read::MultiGzDecoder;

use crate::util::{Place, jsonl, parquet, rows, text};

#[test]
fn a_name_of_something_else_is_refused() {
    let place = Place::new();
    place.write("in.txt", "one\n");
    for name in ["x.csv", "x.json", "x.txt", "x.jsonl.xz", "x.jsonl.bz2", "x.parquet.gz", "x.gz"] {
        let ran = place.run(&format!("in.txt -o {name}"));
        ran.says(2, &[&format!("error: cannot write {name}: ")]);
    }
    place
        .run("in.txt -o x.parquet --format jsonl")
        .says(2, &["its name is that of another format"]);
    assert_eq!(place.names(), ["in.txt"]);
    place.run("in.txt -o x.csv --format jsonl").ok();
    assert_eq!(jsonl(&place.read("x.csv")), rows("in.txt", &[(1, "one")]));
}

#[test]
fn compressed_jsonl_is_written_as_such() {
    let place = Place::new();
    place.write("in.txt", text(500));
    place.write("blank.txt", "\n");
    place.run("in.txt -o plain.jsonl").ok();
    place.run("in.txt -o plain.ndjson").ok();
    let plain = place.read("plain.jsonl");
    assert_eq!(jsonl(&plain).len(), 500);
    assert!(place.read("plain.ndjson") == plain);
    for (name, more) in [
        ("a.jsonl.gz", ""),
        ("b.ndjson.gz", "--group-rows 100"),
        ("c.jsonl.zst", ""),
        ("d.ndjson.zst", "--group-rows 100 --unordered --max-in-flight 1"),
    ] {
        place.run(&format!("in.txt -o {name} {more}")).ok();
        assert!(unpacked(name, &place.read(name)) == plain, "{name}");
        place.run(&format!("blank.txt -o {name} --force {more}")).ok();
        assert_eq!(unpacked(name, &place.read(name)), b"", "{name}");
        // Nothing at all would be no file of that format.
        assert_ne!(place.read(name), b"", "{name}");
    }
}

fn unpacked(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    if name.ends_with("gz") {
        MultiGzDecoder::new(bytes).read_to_end(&mut plain).unwrap();
    } else {
        plain = zstd::decode_all(bytes).unwrap();
    }
    plain
}

#[test]
#[cfg(target_os = "linux")]
fn a_file_in_shared_memory_is_a_file() {
    let Ok(folder) = tempfile::tempdir_in("/dev/shm") else { return };
    let place = Place::new();
    place.write("in.txt", "one\n");
    let output = folder.path().join("out.parquet");
    std::fs::write(&output, vec![b'x'; 100_000]).unwrap();
    let args = format!("in.txt -o {}", output.display());
    place.run(&args).says(2, &["is there already: --force replaces it"]);
    place.run(&format!("{args} --force")).ok();
    assert_eq!(parquet(&output).0, rows("in.txt", &[(1, "one")]));
}

/// What a shell does for `> out.jsonl` and `>> out.jsonl`, and for /dev/stdout and /dev/fd/1.
#[test]
#[cfg(target_os = "linux")]
fn a_descriptor_is_written_where_it_stands() {
    let place = Place::new();
    place.write("in.txt", "one\n");
    for output in ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        place.write("out.jsonl", "before\n");
        let to = std::fs::File::options().append(true).open(place.path("out.jsonl")).unwrap();
        let args = ["in.txt", "-t", "tok.json", "--format", "jsonl", "-o", output];
        let status = place.command(&args).stdout(to).status().unwrap();
        assert!(status.success(), "{output}");
        let written = place.read("out.jsonl");
        let behind = written.strip_prefix(b"before\n").expect(output);
        assert_eq!(jsonl(behind), rows("in.txt", &[(1, "one")]), "{output}");
    }
    assert_eq!(place.names(), ["in.txt", "out.jsonl"]);
}
