//! What can be run in a process: each form of `#[delayed_init(remote)]`.

use std::fmt::Debug;

use mtask::prelude::*;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Runs items over workers in processes, and in threads, and wants the same from both.
fn both<I, S, W>(items: &[I], specs: Vec<S>) -> Vec<W::Output>
where
    I: Clone + Serialize + Send + 'static,
    S: RemoteSpec<W> + 'static,
    W: Worker<Input = I>,
    W::Output: DeserializeOwned + Debug + PartialEq + Send + 'static,
{
    let threads = par_stateful(items.to_vec(), specs.clone()).collect::<Result<Vec<_>, _>>();
    let processes = par_stateful(items.to_vec(), specs).backend(Processes::new());
    let processes = processes.collect::<Result<Vec<_>, _>>().unwrap();
    assert_eq!(processes, threads.unwrap());
    processes
}

#[delayed_init(remote)]
fn add(a: u64, b: u64) -> u64 {
    a + b
}

#[delayed_init(remote)]
fn shout(word: &str) -> String {
    word.to_uppercase()
}

#[delayed_init(remote)]
fn answer() -> u64 {
    42
}

#[delayed_init(remote)]
fn numbered(letter: char, context: &Context<'_>) -> String {
    format!("{}{letter}", context.index())
}

#[delayed_init(remote)]
fn index(context: &Context<'_>) -> usize {
    context.index()
}

#[test]
fn functions() {
    assert_eq!(both(&[(1, 2), (3, 4)], vec![add::spec()]), [3, 7]);
    assert_eq!(both(&["a".to_owned(), "b".to_owned()], vec![shout::spec(); 2]), ["A", "B"]);
    assert_eq!(both(&[(), ()], vec![answer::spec()]), [42, 42]);
    assert_eq!(both(&['a', 'b'], vec![numbered::spec(); 2]), ["0a", "1b"]);
    assert_eq!(both(&[(), ()], vec![index::spec()]), [0, 1]);
    assert_eq!(add(1, 2), 3, "the function itself is as it was");
    assert_eq!(format!("{:?}", add::spec()), "add");
}

struct Blend(f64);

#[delayed_init(remote, named, derive(PartialEq))]
impl Blend {
    fn new(weight: f64) -> Self {
        Self(weight)
    }

    fn call(&mut self, a: f64, b: f64) -> f64 {
        a * self.0 + b * (1.0 - self.0)
    }
}

#[test]
fn named_arguments() {
    let inputs = || [BlendInput { a: 1.0, b: 3.0 }, BlendInput { b: 0.0, a: 8.0 }];
    let blended = par_stateful(inputs(), [Blend::spec(0.5)]).backend(Processes::new());
    assert_eq!(blended.collect::<Result<Vec<_>, _>>().unwrap(), [2.0, 4.0]);
}

#[delayed_init(remote)]
struct Scale {
    by: u64,
    path: std::path::PathBuf,
    #[init]
    seen: u64,
}

impl Worker for Scale {
    type Input = u64;
    type Output = (u64, usize);

    fn call(&mut self, x: u64) -> (u64, usize) {
        self.seen += 1;
        (x * self.by, self.path.as_os_str().len())
    }
}

#[test]
fn structs() {
    assert_eq!(both(&[1, 2], vec![Scale::spec(10, "abc".into())]), [(10, 3), (20, 3)]);
}

struct Wrap<T>(T);

#[delayed_init(remote)]
impl<T: Clone + Send> Wrap<T> {
    fn new(value: T) -> Self {
        Self(value)
    }

    fn call(&mut self, _: ()) -> T {
        self.0.clone()
    }
}

mtask::register!(WrapSpec<u8>, Wrap<u8>);
mtask::register!(WrapSpec<String>, Wrap<String>);

#[test]
fn generic_workers_that_are_registered() {
    assert_eq!(both(&[()], vec![Wrap::spec(7u8)]), [7]);
    assert_eq!(both(&[()], vec![Wrap::spec("x".to_owned())]), ["x"]);
}

#[test]
fn a_generic_worker_that_is_not_registered_is_an_error_that_lists_those_which_are() {
    let mut results = par_stateful([()], [Wrap::spec(1.5f32)]).backend(Processes::new());
    let error = results.next().unwrap().unwrap_err();
    assert_eq!(error.kind(), TaskErrorKind::NoWorkerLeft);
    let text = format!("{error:#}");
    assert!(text.contains("no worker is registered as `processes::forms::Wrap<f32>`"), "{text}");
    assert!(text.contains("processes::forms::Wrap<u8>"), "{text}");
    assert!(text.contains("processes::forms::add"), "{text}");
}

#[test]
fn different_workers_in_one_list() {
    let specs = [add::spec().remote_boxed(), AddMore::spec(1).remote_boxed()];
    let sums = par_stateful(vec![(1, 2); 100], specs).backend(Processes::new());
    assert!(sums.map(Result::unwrap).all(|sum| sum == 3 || sum == 4));
}

struct AddMore(u64);

#[delayed_init(remote)]
impl AddMore {
    fn new(more: u64) -> Self {
        Self(more)
    }

    fn call(&mut self, a: u64, b: u64) -> u64 {
        a + b + self.0
    }
}

/// Not serde, as many errors are.
#[derive(Debug)]
struct Missing(std::io::Error);

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the file is missing")
    }
}

impl std::error::Error for Missing {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[delayed_init(remote)]
fn missing(boxed: bool) -> Result<u64, RemoteError> {
    let error = Missing(std::io::Error::other("no such file"));
    if boxed {
        return Err(RemoteError::from_boxed(Box::<dyn std::error::Error + Send + Sync>::from(
            error,
        )));
    }
    Err(error)?
}

#[test]
fn errors_cross_with_their_causes() {
    for boxed in [false, true] {
        let results = par_stateful([boxed], [missing::spec()]).backend(Processes::new());
        let error = results.flatten_errors().next().unwrap().unwrap_err();
        assert_eq!(error.kind(), TaskErrorKind::Failed);
        let text = format!("{error:#}");
        assert!(text.contains("returned an error: the file is missing: no such file"), "{text}");
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Either {
    Number(u64),
    Text(String),
}

#[delayed_init(remote)]
fn flip(mtask::Json(either): mtask::Json<Either>) -> mtask::Json<Either> {
    mtask::Json(match either {
        Either::Number(number) => Either::Text(number.to_string()),
        Either::Text(text) => Either::Number(text.len() as u64),
    })
}

#[test]
fn json_carries_what_describes_itself() {
    use mtask::Json;
    let items = [Json(Either::Number(7)), Json(Either::Text("abc".to_owned()))];
    let flipped = both(&items, vec![flip::spec()]);
    assert_eq!(flipped, [Json(Either::Text("7".to_owned())), Json(Either::Number(3))]);
}

#[test]
fn init_is_refused_in_a_test() {
    let refused = std::panic::catch_unwind(mtask::init).unwrap_err();
    let message = refused.downcast_ref::<&str>().copied().unwrap_or_default();
    assert!(message.contains("mtask::test_entry!();"), "{message}");
}
