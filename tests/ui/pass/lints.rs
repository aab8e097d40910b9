//! What is generated sets off none of the user's lints.

#![deny(
    missing_debug_implementations,
    missing_docs,
    non_camel_case_types,
    private_bounds,
    private_interfaces,
    rust_2018_idioms,
    single_use_lifetimes,
    trivial_bounds,
    trivial_casts,
    trivial_numeric_casts,
    unnameable_types,
    unreachable_pub,
    unsafe_code,
    unused,
    unused_lifetimes,
    unused_qualifications,
    unused_results,
    variant_size_differences,
    warnings
)]
#![forbid(unsafe_code, deprecated_in_future, elided_lifetimes_in_paths)]

use std::path::PathBuf;

use mtask::{Finish, Spec, Worker, delayed_init};

/// A worker with everything.
#[derive(Debug)]
pub struct Public<T> {
    name: String,
    value: T,
}

#[delayed_init(named)]
impl<T: Clone + Send> Public<T> {
    /// Made by hand as well.
    pub fn new(name: &str, value: T) -> Result<Self, std::io::Error> {
        Ok(Self { name: name.to_owned(), value })
    }

    /// With named input.
    pub fn call(&mut self, by: usize, text: &str) -> (T, String) {
        (self.value.clone(), text.repeat(by) + &self.name)
    }

    /// The end.
    pub fn finish(self) -> String {
        self.name
    }
}

/// An old worker.
#[deprecated]
#[derive(Debug)]
pub struct Old;

#[allow(deprecated)]
#[delayed_init]
impl Old {
    /// Old.
    #[deprecated]
    pub fn new() -> Self {
        Self
    }

    /// Old too.
    #[deprecated]
    pub fn call(&mut self, input: u8) -> u8 {
        input
    }
}

/// Recorded fields.
#[delayed_init(new = make)]
#[derive(Debug)]
pub struct Recorded {
    /// Never read but to make `length`.
    path: PathBuf,
    #[init(path.as_os_str().len())]
    length: usize,
}

mod hidden {
    use mtask::{Spec, Worker, delayed_init};

    struct Private(Secret);

    #[derive(Clone, Debug)]
    struct Secret(u8);

    #[delayed_init]
    impl Private {
        #[allow(unreachable_pub)]
        pub fn new(secret: Secret) -> Self {
            Self(secret)
        }

        fn call(&mut self, secret: Secret) -> Secret {
            Secret(self.0.0 + secret.0)
        }
    }

    pub(crate) fn private() -> u8 {
        let mut worker = Private::spec(Secret(1)).build().unwrap();
        Worker::call(&mut worker, Secret(2)).0
    }
}

/// What the user allowed holds for what is made of it.
struct Allowed(u8);

#[allow(non_snake_case)]
#[delayed_init(named)]
impl Allowed {
    #[allow(single_use_lifetimes)]
    #[expect(unused_qualifications)]
    fn new<'b>(N: &'b u8, numbers: std::vec::Vec<u8>) -> Self {
        Self(*N + numbers[0])
    }

    #[expect(unused_parens)]
    fn call(&mut self, aB: (u8)) -> u8 {
        self.0 + aB
    }
}

/// The same on a struct.
#[allow(non_snake_case, unused_parens)]
#[delayed_init(new = made)]
struct AllowedToo {
    aB: (u8),
    #[init((aB + 1))]
    cD: u8,
}

/// Only what `new` gives, and that never used.
struct Unused;

#[delayed_init(debug = false)]
impl Unused {
    fn new(_unread: u8, copy: bool) -> Self {
        assert!(copy);
        Self
    }
}

fn main() {
    let mut worker = Public::spec("n", 1).build().unwrap();
    let input = PublicInput { by: 2, text: "t".to_owned() };
    assert_eq!(Worker::call(&mut worker, input), (1, "ttn".to_owned()));
    assert_eq!(Finish::finish(worker), "n");
    assert_eq!(Recorded::make("ab".into()).unwrap().length, 2);
    assert_eq!(hidden::private(), 3);
    let mut allowed = Allowed::spec(&1, vec![2]).build().unwrap();
    assert_eq!(Worker::call(&mut allowed, AllowedInput { aB: 3 }), 6);
    let too = AllowedToo::made(1).unwrap();
    assert_eq!((too.aB, too.cD), (1, 2));
}
