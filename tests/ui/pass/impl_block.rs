//! `new` gives the spec, `call` the worker; `new` may fail, and stays callable.

use std::path::Path;

use mtask::prelude::*;

struct Tokenizer {
    path: String,
    lowercase: bool,
}

#[delayed_init]
impl Tokenizer {
    fn new(path: &Path, lowercase: bool) -> Result<Self, std::io::Error> {
        if path.as_os_str().is_empty() {
            return Err(std::io::Error::other("no path"));
        }
        Ok(Self { path: path.display().to_string(), lowercase })
    }

    fn call(&mut self, line: String) -> Result<Vec<usize>, std::num::ParseIntError> {
        let line = if self.lowercase { line.to_lowercase() } else { line };
        line.split(' ').map(str::parse).collect()
    }
}

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let spec = Tokenizer::spec("tok.json".as_ref(), true);
    assert_eq!(format!("{spec:?}"), r#"TokenizerSpec { path: "tok.json", lowercase: true }"#);
    let mut specs = spec.clone().times(4);
    assert_eq!(specs.len(), 4);
    let mut worker = specs.next().unwrap().build().unwrap();
    assert_eq!(worker.path, "tok.json");
    assert_eq!(Worker::call(&mut worker, "1 2".to_owned()), Ok(vec![1, 2]));

    let named = TokenizerSpec { path: "".into(), ..spec };
    assert_eq!(named.build().err().unwrap().to_string(), "no path");
    assert!(Tokenizer::new("x".as_ref(), false).is_ok());

    let lines = ["1 2", "x", "3"].map(str::to_owned);
    let specs = Tokenizer::spec("tok.json".as_ref(), true).times(4);
    let mut ids = Vec::new();
    for item in par_stateful(lines, specs) {
        ids.push(item?);
    }
    assert_eq!((&ids[0], &ids[2]), (&Ok(vec![1, 2]), &Ok(vec![3])));
    assert!(ids[1].is_err());
    Ok(())
}
