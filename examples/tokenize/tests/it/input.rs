//! What is read, and what of it is a document.

use crate::util::{Place, gzip, ids, parquet, rows};

#[test]
fn without_arguments_it_tokenizes_what_comes_with_it() {
    let place = Place::new();
    let ran: crate::util::Ran = place.command::<&str>(&[]).output().unwrap().into();
    let ran = ran.ok();
    assert!(ran.stderr.contains("13,302 documents, 190,552 tokens, 0 errors"), "{}", ran.stderr);
    let (rows, _) = parquet(&place.path("tokens.parquet"));
    assert_eq!(rows.len(), 13_302);
    assert!(rows[0].0.ends_with("data/text/alice.txt"), "{}", rows[0].0);
    assert_eq!(rows[0].2, ids("                ALICE'S ADVENTURES IN WONDERLAND"));
    assert!(rows[13_301].0.ends_with("data/text/paradise-lost.txt.gz"));
    assert_eq!(rows[13_301].2, ids("Through Eden took their solitary way."));
    assert_eq!(place.names(), ["tokens.parquet"]);
}

#[test]
fn plain_and_compressed_files_are_read() {
    let place = Place::new();
    let text = "first line\n\n  third, with an \u{e9}\r\n \t \nfifth without an end";
    let two_members = [gzip(&text[..5]), gzip(&text[5..])].concat();
    let two_frames =
        [&text[..5], &text[5..]].map(|part| zstd::encode_all(part.as_bytes(), 3).unwrap());
    place.write("a.txt", text);
    place.write("b.gz", &two_members);
    place.write("c.zst", two_frames.concat());
    place.write("no-extension", &two_members);
    let ran = place.run("a.txt b.gz c.zst no-extension -o -").ok();
    let lines = [(1, "first line"), (3, "  third, with an \u{e9}"), (5, "fifth without an end")];
    let expected = ["a.txt", "b.gz", "c.zst", "no-extension"].map(|file| rows(file, &lines));
    assert_eq!(ran.rows(), expected.concat());
}

#[test]
fn a_folder_is_read_in_the_order_of_its_paths() {
    let place = Place::new();
    for name in ["in/b/2.txt", "in/b/10.txt", "in/a.txt", "in/c.txt.gz", "in/b.txt"] {
        let line = format!("this is {name}\n");
        place.write(name, if name.ends_with("gz") { gzip(line) } else { line.into() });
    }
    // What the program writes there is none of its input, neither now nor the next time.
    for force in ["", "--force"] {
        place.run(&format!("in -o in/out.jsonl {force}")).ok();
        let files: Vec<String> = crate::util::jsonl(&place.read("in/out.jsonl"))
            .into_iter()
            .map(|(file, line, found)| {
                assert_eq!((line, found), (1, ids(&format!("this is {file}"))));
                file
            })
            .collect();
        assert_eq!(files, ["in/a.txt", "in/b.txt", "in/b/10.txt", "in/b/2.txt", "in/c.txt.gz"]);
    }
}

#[test]
fn standard_input_is_read_plain_and_compressed() {
    let place = Place::new();
    let expected = rows("-", &[(1, "one"), (2, "two")]);
    assert_eq!(place.run_with(b"one\ntwo\n", "- -o -").ok().rows(), expected);
    assert_eq!(place.run_with(&gzip("one\ntwo\n"), "- -o -").ok().rows(), expected);
    place.run_with(b"one\ntwo\n", "- -o out.parquet").ok();
    assert_eq!(parquet(&place.path("out.parquet")).0, expected);
    assert_eq!(place.names(), ["out.parquet"]);
}

#[test]
fn nothing_to_read_is_an_output_without_rows() {
    let place = Place::new();
    place.write("empty", "");
    place.write("blank.gz", gzip("\n \n\t\r\n"));
    place.run("empty blank.gz").ok();
    assert_eq!(parquet(&place.path("tokens.parquet")).0, []);
    assert_eq!(place.run("empty -o -").ok().stdout, "");
}

#[test]
fn jsonl_gives_the_text_under_a_field() {
    let place = Place::new();
    place.write(
        "in.jsonl",
        concat!(
            "{\"id\": 1, \"body\": \"a \\u00e9 \\\"quoted\\\"\\nsecond line\"}\n",
            "\n",
            "{\"body\": \"\"}\n",
            "{\"body\": 7}\n",
            "{\"text\": \"elsewhere\"}\n",
            "not json\n",
            "{\"body\": \"last\"}",
        ),
    );
    let ran = place.run("in.jsonl --field body -o -").says(
        1,
        &[
            "in.jsonl:4: the field \"body\" is a number, not a string",
            "in.jsonl:5: no field \"body\"",
            "in.jsonl:6: not a JSON object",
            "3 documents, ",
        ],
    );
    let lines = [(1, "a \u{e9} \"quoted\"\nsecond line"), (3, ""), (7, "last")];
    assert_eq!(ran.rows(), rows("in.jsonl", &lines));
}

#[test]
fn a_limit_counts_documents_and_not_lines() {
    let place = Place::new();
    place.write("a", "one\n\ntwo\n");
    place.write("b", "\nthree\nfour\n");
    let expected = [rows("a", &[(1, "one"), (3, "two")]), rows("b", &[(2, "three")])].concat();
    assert_eq!(place.run("a b --limit 3 -o -").ok().rows(), expected);
    assert_eq!(place.run("a b --limit 0 -o -").ok().rows(), []);
    assert_eq!(place.run("a b --limit 99 -o -").ok().rows().len(), 4);
}

#[test]
fn padding_and_truncation_of_the_tokenizer_are_off() {
    let place = Place::new();
    let mut tokenizer = tokenizers::Tokenizer::from_file(crate::util::BUNDLED).unwrap();
    tokenizer
        .with_truncation(Some(tokenizers::TruncationParams { max_length: 4, ..Default::default() }))
        .unwrap();
    tokenizer.with_padding(Some(tokenizers::PaddingParams {
        strategy: tokenizers::PaddingStrategy::Fixed(9),
        ..Default::default()
    }));
    assert_eq!(tokenizer.encode("x", true).unwrap().len(), 9, "the tokenizer would pad");
    tokenizer.save(place.path("tok.json"), false).unwrap();
    place.write("in", "x\nmuch longer than four tokens, surely\n");
    let ran = place.run("in -o -").ok();
    assert_eq!(ran.rows(), rows("in", &[(1, "x"), (2, "much longer than four tokens, surely")]));
}
