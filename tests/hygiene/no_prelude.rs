//! No prelude, and every name of it taken.

#![no_implicit_prelude]
#![allow(dead_code, non_camel_case_types, non_snake_case)]

use ::mtask::delayed_init;

mod std {}
mod core {}
mod alloc {}
mod mtask {}

struct Result;
struct Option;
struct Vec;
struct String;
struct Box;
struct PhantomData;
struct Spec;
struct Formatter;
trait Clone {
    fn clone(&self) {}
}
trait Debug {
    fn fmt(&self) {}
}
trait Default {
    fn default() {}
}
trait ToOwned {
    fn to_owned(&self) {}
}
trait Borrow {
    fn borrow(&self) {}
}
trait Worker {}
trait Finish {}
trait Send {}
trait Sync {}
impl<T: ?::std::marker::Sized> Clone for T {}
impl<T: ?::std::marker::Sized> Debug for T {}
impl<T: ?::std::marker::Sized> Default for T {}
impl<T: ?::std::marker::Sized> ToOwned for T {}
impl<T: ?::std::marker::Sized> Borrow for T {}
fn Ok() {}
fn Err() {}
fn Some() {}
fn drop() {}

macro_rules! shadow {
    ($($name:ident)*) => { $(
        #[allow(unused_macros)]
        macro_rules! $name { () => {}; }
    )* };
}
shadow!(format vec panic write unreachable compile_error format_args);

struct Upper<T: ?::std::marker::Sized> {
    seen: usize,
    kind: ::std::marker::PhantomData<T>,
}

#[delayed_init(named, derive(PartialEq))]
impl<T: ?::std::marker::Sized> Upper<T> {
    fn new(name: &str, sizes: &[usize]) -> ::std::result::Result<Self, ::std::string::String> {
        let _ = name;
        ::std::result::Result::Ok(Self { seen: sizes.len(), kind: ::std::marker::PhantomData })
    }

    fn call(&mut self, text: &str, self_: u8) -> (usize, u8) {
        self.seen += text.len();
        (self.seen, self_)
    }

    fn finish(self) -> usize {
        self.seen
    }
}

#[delayed_init(new = make)]
struct Recorded {
    // Names that the expansion has locals of.
    f: u8,
    worker: u8,
    input: u8,
    shown: u8,
    marker: u8,
    #[init(f + worker + input + shown + marker)]
    sum: u8,
    #[init]
    none: ::std::option::Option<u8>,
    #[init("7".parse()?)]
    arg0: u8,
}

struct Args;

#[delayed_init]
impl Args {
    fn new(input: u8, arg0: u8, arg1: u8) -> Self {
        let _ = (input, arg0, arg1);
        Self
    }

    fn call(&mut self, arg1: u8, arg0: u8, input: u8) -> u8 {
        arg1 - arg0 * input
    }
}

#[test]
fn no_name_is_taken_from_the_prelude() {
    let spec = Upper::<str>::spec("a", &[1]);
    ::std::assert!(::std::clone::Clone::clone(&spec) == spec);
    let shown = ::std::format!("{spec:?}");
    ::std::assert!(shown.starts_with(r#"UpperSpec { name: "a", sizes: [1] "#), "{shown}");
    let mut worker: Upper<str> = ::mtask::Spec::build(&spec).unwrap();
    let input = UpperInput { text: ::std::convert::Into::into("bc"), self_: 5 };
    ::std::assert_eq!(::mtask::Worker::call(&mut worker, input), (3, 5));
    ::std::assert_eq!(::mtask::Finish::finish(worker), 3);
}

#[test]
fn no_local_of_the_expansion_meets_a_field() {
    let made = Recorded::make(1, 2, 3, 4, 5).unwrap();
    ::std::assert_eq!((made.sum, made.none, made.arg0), (15, ::std::option::Option::None, 7));
    let mut args: Args = ::mtask::Spec::build(&Args::spec(1, 2, 3)).unwrap();
    ::std::assert_eq!(::mtask::Worker::call(&mut args, (9, 2, 3)), 3);
}
