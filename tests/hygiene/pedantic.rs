//! Everything a macro can be given, under lints that it must not set off.

#![deny(missing_docs, unused, deprecated, clippy::pedantic, clippy::nursery)]

use std::path::Path;

use mtask::{Spec, Worker, delayed_init};

/// A worker whose constructor would be told off in many ways, were it not for these.
#[derive(Debug)]
pub struct Many<T> {
    flags: [bool; 4],
    value: T,
}

#[delayed_init(named)]
impl<T: Clone + Send> Many<T> {
    /// Makes it.
    ///
    /// # Errors
    ///
    /// On an empty path.
    #[allow(clippy::too_many_arguments, clippy::fn_params_excessive_bools)]
    pub fn new(
        a: bool,
        b: bool,
        c: bool,
        d: bool,
        path: &Path,
        value: T,
        _e: u8,
        _f: u8,
        _g: u8,
    ) -> Result<Self, String> {
        if path.as_os_str().is_empty() {
            return Err("no path".to_owned());
        }
        Ok(Self { flags: [a, b, c, d], value })
    }

    /// Calls it.
    pub fn call(&mut self, many_flags: usize, text: &str) -> (T, String) {
        self.flags[many_flags % 4] = true;
        (self.value.clone(), text.to_owned())
    }
}

/// Recorded.
#[delayed_init(new = new)]
#[derive(Clone, Copy, Debug)]
pub struct Recorded {
    /// An argument that is `Copy`, in a struct that has the type's name in its own.
    recorded_id: u32,
    #[init(u64::from(recorded_id))]
    wide: u64,
}

#[test]
fn it_works_too() {
    let spec = Many::spec(true, false, false, false, "p".as_ref(), 1, 2, 3, 4);
    let mut worker = spec.build().unwrap();
    let input = ManyInput { many_flags: 1, text: "t".to_owned() };
    assert_eq!(Worker::call(&mut worker, input), (1, "t".to_owned()));
    assert_eq!(worker.flags, [true, true, false, false]);
    let recorded = Recorded::new(3).unwrap();
    assert_eq!((recorded.recorded_id, recorded.wide), (3, 3));
}
