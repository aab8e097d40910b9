//! Every kind of argument: borrowed, `'static`, `mut`, raw, functions, `Self`, under a `cfg`.

use std::borrow::Cow;
use std::ffi::{CStr, OsStr};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use mtask::{Spec, Worker, delayed_init};

#[derive(Clone, Debug, PartialEq)]
struct Config {
    depth: u8,
}

struct Every {
    depth: u8,
    sum: usize,
    apply: Apply,
}

type Apply = Arc<dyn Fn(&str) -> usize + Send + Sync>;

#[delayed_init]
impl Every {
    #[allow(clippy::too_many_arguments)]
    fn new(
        text: &str,
        path: &Path,
        os: &OsStr,
        c: &CStr,
        slice: &[u16],
        array: &[u8; 2],
        config: &Config,
        fixed: &'static str,
        cow: Cow<'static, str>,
        mut sum: usize,
        r#type: Option<Box<u8>>,
        apply: Arc<dyn Fn(&str) -> usize + Send + Sync>,
        ranked: Arc<dyn for<'x> Fn(&'x str) -> &'x str + Send + Sync>,
        pointer: fn(&str) -> usize,
        #[cfg(all())] here: u8,
        #[cfg(any())] gone: Missing,
    ) -> Self {
        sum += text.len() + path.as_os_str().len() + os.len() + c.count_bytes();
        sum += slice.len() + array.len() + fixed.len() + cow.len() + pointer(ranked("ab"));
        sum += usize::from(here) + r#type.map_or(0, |it| usize::from(*it));
        Self { depth: config.depth, sum, apply }
    }

    fn call(&mut self, mut line: String) -> usize {
        line.push('!');
        (self.apply)(&line) + self.sum
    }
}

struct Chain {
    before: Option<Arc<Chain>>,
}

impl Iterator for Chain {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        None
    }
}

#[delayed_init]
impl Chain {
    fn new(before: Option<Arc<Self>>, last: Option<<Self as Iterator>::Item>) -> Self {
        assert_eq!(last, None);
        Self { before }
    }

    fn call(&mut self, next: Box<Self>) -> Result<Box<Self>, &'static str> {
        next.before.is_some().then_some(next).ok_or("the end")
    }
}

/// Not `Send`, as a worker may be.
struct Local {
    count: Rc<std::cell::Cell<u32>>,
}

#[delayed_init]
impl Local {
    fn new() -> Self {
        Self { count: Rc::default() }
    }

    // No argument: the input is `()`. A worker without `&mut` is one too.
    fn call(&self) -> u32 {
        self.count.replace(self.count.get() + 1)
    }
}

struct Several(u64);

#[delayed_init]
impl Several {
    fn new() -> std::io::Result<Several> {
        Ok(Self(1))
    }

    // Several arguments are a tuple; of one that is matched on, no name is needed.
    fn call(&mut self, a: u64, name: &str, (b, _): (u64, u8), _: Rc<dyn Fn()>) -> (u64, usize) {
        (self.0 + a + b, name.len())
    }
}

fn main() {
    let spec = Every::spec(
        "four",
        Path::new("path"),
        OsStr::new("os"),
        c"c",
        &[1, 2],
        &[3, 4],
        &Config { depth: 5 },
        "static",
        Cow::Borrowed("cow"),
        100,
        Some(Box::new(6)),
        Arc::new(|line| line.len()),
        Arc::new(|text| &text[1..]),
        str::len,
        7,
    );
    let _: (&String, &PathBuf, &Vec<u16>, &Config) =
        (&spec.text, &spec.path, &spec.slice, &spec.config);
    let shown = format!("{spec:?}");
    assert!(shown.contains(r#"type: Some(6), apply: <alloc::sync::Arc<dyn "#), "{shown}");
    let mut worker = spec.clone().build().unwrap();
    assert_eq!((worker.depth, worker.sum), (5, 100 + 4 + 4 + 2 + 1 + 2 + 2 + 6 + 3 + 1 + 7 + 6));
    assert_eq!(worker.call("ab".to_owned()), 3 + worker.sum);

    let first = Chain::spec(None, None).build().unwrap();
    let mut second = Chain::spec(Some(Arc::new(first)), None).build().unwrap();
    let third = Chain::spec(None, None).build().unwrap();
    assert_eq!(Worker::call(&mut second, Box::new(third)).err(), Some("the end"));

    let mut local = Local::spec().build().unwrap();
    assert_eq!((Worker::call(&mut local, ()), local.call()), (0, 1));

    let mut several = Several::spec().build().unwrap();
    assert_eq!(Worker::call(&mut several, (1, "ab".to_owned(), (2, 3), Rc::new(|| ()))), (4, 2));
}
