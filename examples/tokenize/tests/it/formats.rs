//! Files that are no text, and compressed ones that are not quite as they should be.

use std::io::Write;
use std::process::Stdio;

use crate::util::{Place, Ran, gzip, jsonl, parquet, rows, text};

/// The beginnings of files that are no text, with the name of each.
fn foreign() -> Vec<(&'static str, Vec<u8>)> {
    let wide = |unit: fn(u16) -> [u8; 2], mark: &[u8]| {
        let text = text(20);
        [mark.to_vec(), text.encode_utf16().flat_map(unit).collect()].concat()
    };
    let wider: Vec<u8> = text(20).chars().flat_map(|char| u32::from(char).to_le_bytes()).collect();
    let mut tar = b"text/one.txt".to_vec();
    tar.resize(257, 0);
    tar.extend(b"ustar\x0000");
    tar.resize(512, 0);
    tar.extend(text(20).into_bytes());
    let mut noise = 1_u64;
    let noise = std::iter::repeat_with(|| {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (noise >> 56) as u8
    });
    vec![
        ("UTF-16", wide(u16::to_le_bytes, b"\xff\xfe")),
        ("UTF-16", wide(u16::to_be_bytes, b"\xfe\xff")),
        ("UTF-16", wide(u16::to_le_bytes, b"")),
        ("UTF-16", wide(u16::to_be_bytes, b"")),
        ("UTF-32", [b"\xff\xfe\0\0", &wider[..]].concat()),
        ("UTF-32", wider),
        ("xz", b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4F\n\xff\n".to_vec()),
        ("bzip2", b"BZh91AY&SY\xf1\xe2\n\xd3\n".to_vec()),
        ("zip", b"PK\x03\x04\x14\0\0\0\x08\0\n\xff\n".to_vec()),
        ("7z", b"7z\xbc\xaf\x27\x1c\0\x04\n\xff\n".to_vec()),
        ("lz4", b"\x04\x22\x4d\x18\x64\x40\xa7\n\xff\n".to_vec()),
        ("Parquet", b"PAR1\x15\x04\x15\n\xff\nPAR1".to_vec()),
        ("tar inside of gzip", gzip(&tar)),
        ("tar inside of Zstandard", zstd::encode_all(&*tar, 3).unwrap()),
        ("gzip inside of gzip", gzip(gzip("one\n"))),
        ("tar", tar),
        ("binary data", noise.take(50_000).collect()),
    ]
}

#[test]
fn what_is_no_text_is_one_error_and_no_row() {
    let place = Place::new();
    let foreign = foreign();
    for (n, (_, bytes)) in foreign.iter().enumerate() {
        place.write(&format!("in/{n:02}"), bytes);
    }
    place.write("in/last", "one\n");
    for backend in ["threads", "processes"] {
        let ran = place.run(&format!("in --force --backend {backend}"));
        let messages: Vec<_> = foreign
            .iter()
            .enumerate()
            .map(|(n, (name, _))| format!("tokenize: in/{n:02}: {name} is not supported: "))
            .collect();
        let messages: Vec<_> = messages.iter().map(|message| &**message).collect();
        let ran = ran.says(1, &messages);
        assert_eq!(ran.stderr.lines().count(), foreign.len() + 2, "{}", ran.stderr);
        assert_eq!(parquet(&place.path("tokens.parquet")).0, rows("in/last", &[(1, "one")]));
    }
    // Through a pipe, some of it a byte at a time.
    for (name, bytes) in &foreign {
        let ran = drip(&place, bytes, &["-o", "-"]);
        let ran = ran.says(2, &[&format!("tokenize: -: {name} is not supported: ")]);
        assert_eq!(ran.stdout, "");
    }
}

/// Runs with this on standard input, the first bytes of it one by one.
fn drip(place: &Place, bytes: &[u8], more: &[&str]) -> Ran {
    let args = [&["-", "-t", "tok.json"], more].concat();
    let mut child = place.command(&args).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let (first, rest) = bytes.split_at(bytes.len().min(8));
    for byte in first {
        stdin.write_all(&[*byte]).unwrap();
        stdin.flush().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    // It may have seen enough.
    let _ = stdin.write_all(rest);
    drop(stdin);
    child.wait_with_output().unwrap().into()
}

#[test]
fn a_first_read_of_a_few_bytes_mistakes_no_format() {
    let place = Place::new();
    let expected = rows("-", &[(1, "one"), (2, "two")]);
    for bytes in [
        b"one\ntwo\n".to_vec(),
        b"\xef\xbb\xbfone\ntwo".to_vec(),
        gzip("one\ntwo\n"),
        zstd::encode_all(&b"one\ntwo\n"[..], 3).unwrap(),
        [b"\x50\x2a\x4d\x18\x02\0\0\0\n\n", &*zstd::encode_all(&b"one\ntwo"[..], 3).unwrap()]
            .concat(),
    ] {
        assert_eq!(drip(&place, &bytes, &["-o", "-"]).ok().rows(), expected);
    }
}

#[test]
fn nothing_but_other_formats_is_no_output() {
    let place = Place::new();
    place.write("a.zip", b"PK\x03\x04\x14\0\0\0\x08\0\n\xff\n");
    let said = ["a.zip: zip is not supported", "nothing is written: no input is text"];
    place.run("a.zip -o out.jsonl").says(2, &said);
    assert_eq!(place.names(), ["a.zip"]);
}

#[test]
fn the_name_of_a_file_does_not_hide_its_format() {
    let place = Place::new();
    place.write("a.gz", zstd::encode_all(&b"one\n"[..], 3).unwrap());
    place.write("b.zst", gzip("two\n"));
    place.write("c.xz", "three\n");
    let ran = place.run("a.gz b.zst c.xz -o -").ok();
    let expected = [("a.gz", "one"), ("b.zst", "two"), ("c.xz", "three")];
    assert_eq!(ran.rows(), expected.map(|(file, text)| rows(file, &[(1, text)])).concat());
    place.write("empty.gz", "");
    place.write("empty.zst", "");
    let said = ["empty.gz:1: cannot be read on", "empty.zst:1: cannot be read on", " 2 errors "];
    place.run("empty.gz empty.zst -o -").says(1, &said);
}

#[test]
fn a_few_zero_bytes_make_no_text_binary() {
    let place = Place::new();
    let text = format!("{}one \0 zero\n", text(50));
    place.write("in.txt", &text);
    assert_eq!(place.run("in.txt -o -").ok().rows().len(), 51);
}

#[test]
fn jsonl_without_a_field_is_refused_before_the_work() {
    let place = Place::new();
    place.write("in/a.txt", "one\n");
    let line = b"{\"text\": \"one\"}\n";
    for name in ["b.jsonl", "b.NDJSON", "b.jsonl.gz", "b.ndjson.zst"] {
        let path = format!("in/{name}");
        place.write(&path, line);
        let said = format!("{path}: name the key of its text with --field");
        place.run("in -o -").says(2, &[&said]);
        place.run(&format!("{path} -o out.jsonl")).says(2, &[&said]);
        std::fs::remove_file(place.path(&path)).unwrap();
    }
    place.run_with(line, "- -o -").ok();
    place.write("b.jsonl", line);
    let ran = place.run("b.jsonl --field text -o -").ok();
    assert_eq!(jsonl(ran.stdout.as_bytes()), rows("b.jsonl", &[(1, "one")]));
}

#[test]
fn bytes_behind_a_gzip_are_what_gzip_takes_them_for() {
    let place = Place::new();
    let whole = [gzip("one\n"), gzip("two")].concat();
    place.write("padded.gz", [&whole[..], &[0; 512]].concat());
    place.write("other.gz", [&whole[..], b"garbage!!"].concat());
    let expected = |file| rows(file, &[(1, "one"), (2, "two")]);
    let ran = place.run("padded.gz -o -").ok();
    assert_eq!(ran.rows(), expected("padded.gz"));
    assert_eq!(ran.stderr.lines().count(), 2, "{}", ran.stderr);
    let ran = place.run("other.gz -o -");
    let ran = ran.says(1, &["other.gz: 9 bytes behind the end of its gzip data are ignored"]);
    assert_eq!(ran.rows(), expected("other.gz"));
}

#[test]
fn zstandard_with_a_long_window_is_read() {
    let place = Place::new();
    // One frame whose window is larger than its 130 MiB, though they are next to nothing packed.
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(28).unwrap();
    encoder.long_distance_matching(true).unwrap();
    encoder.write_all(b"one\n").unwrap();
    let line = vec![b'x'; 1 << 20];
    for _ in 0..130 {
        encoder.write_all(&line).unwrap();
    }
    encoder.write_all(b"\ntwo\n").unwrap();
    place.write("in.zst", encoder.finish().unwrap());
    let ran = place.run("in.zst -o -").says(1, &["in.zst:2: the line is too long"]);
    assert_eq!(ran.rows(), rows("in.zst", &[(1, "one"), (3, "two")]));
}
