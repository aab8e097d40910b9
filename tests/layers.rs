//! The layers of the engine: imports run downwards only.
//!
//! front → backend → run → {bridge, observe} → ground. What stands beside `lib.rs` is the ground, which a
//! user's worker needs; each folder named here is a layer. `lib.rs` and `__private` give names to those outside,
//! and nobody inside imports from them but what they give of lower layers.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders, and how high each stands; two of one height do not import each other.
const LAYERS: [(&str, usize); 5] =
    [("bridge", 1), ("observe", 1), ("run", 2), ("backend", 3), ("front", 4)];

fn height(module: &str) -> usize {
    LAYERS.iter().find(|(layer, _)| *layer == module).map_or(0, |(_, height)| *height)
}

/// Every source file of the engine, but tests, by its path below `src`.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !["tests", "loom_tests", "__private"].contains(&name(&path)) {
                sources(&path, found);
            }
        } else if name(&path).ends_with(".rs")
            && !["tests.rs", "loom_tests.rs", "fuzz.rs", "__private.rs"].contains(&name(&path))
        {
            found.push(path);
        }
    }
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

/// The source without comments, and without what is for tests alone.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let lines = text.lines().map(|line| line.split("//").next().unwrap());
    lines.collect::<Vec<_>>().join("\n")
}

/// The paths that begin with `crate::`, groups taken apart: `crate::a::{b, c}` is `a::b` and `a::c`.
fn paths(code: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let is_path =
            !code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '$');
        if is_path {
            take_apart(&code[at + "crate::".len()..], "", &mut paths);
        }
    }
    paths
}

/// Takes one path, or a group of them, from the start of `code`; gives how far it went.
fn take_apart(code: &str, before: &str, paths: &mut Vec<String>) -> usize {
    let is_name = |it: char| it.is_alphanumeric() || it == '_' || it == ':';
    let end = code.find(|it| !is_name(it)).unwrap_or(code.len());
    let path = format!("{before}{}", &code[..end]);
    if !path.ends_with("::") || !code[end..].starts_with('{') {
        paths.push(path);
        return end;
    }
    let mut at = end + 1;
    loop {
        at += code[at..].find(|it: char| !it.is_whitespace() && it != ',').unwrap();
        if code[at..].starts_with('}') {
            return at + 1;
        }
        at += take_apart(&code[at..], &path, paths);
    }
}

#[test]
fn imports_run_downwards() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("mtask-core/src");
    // What is given a name beside the layers, and the layer that it comes from.
    let mut given = BTreeMap::new();
    let root = code(&fs::read_to_string(src.join("lib.rs")).unwrap());
    for line in root.split("pub use ").skip(1) {
        let mut paths = Vec::new();
        take_apart(line, "", &mut paths);
        for path in paths {
            let parts: Vec<_> = path.split("::").collect();
            let from = parts[0].to_owned();
            given.insert(parts[parts.len() - 1].to_owned(), from);
        }
    }
    assert_eq!(given["ParStateful"], "front", "lib.rs is read: {given:?}");

    let mut files = Vec::new();
    sources(&src, &mut files);
    let (mut arrows, mut upwards) = (0, Vec::new());
    for file in files {
        let short = file.strip_prefix(&src).unwrap().to_str().unwrap();
        if short == "lib.rs" {
            continue;
        }
        let here = short.split('/').next().unwrap();
        for path in paths(&code(&fs::read_to_string(&file).unwrap())) {
            let first = path.split("::").next().unwrap();
            let there = given.get(first).map_or(first, String::as_str);
            arrows += 1;
            let is_down = height(there) < height(here) || there == here;
            // The ground is one: its modules know each other.
            if !is_down && height(here).max(height(there)) > 0 {
                upwards.push(format!("{short} imports crate::{path}"));
            }
        }
    }
    assert!(arrows > 300, "{arrows} imports are few");
    assert!(upwards.is_empty(), "{} of {arrows}:\n{}", upwards.len(), upwards.join("\n"));
}

#[test]
fn files_are_no_longer_than_six_hundred_lines() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src", "mtask-core/src", "mtask-macros/src"] {
        sources(&root.join(folder), &mut files);
    }
    let long: Vec<_> = files
        .iter()
        .map(|file| (fs::read_to_string(file).unwrap().lines().count(), file))
        .filter(|(lines, _)| *lines > 600)
        .collect();
    assert!(long.is_empty(), "{long:?}");
}
