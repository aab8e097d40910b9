//! Type parameters with bounds and `where`, const parameters, lifetimes.

use std::fmt::{Debug, Display};
use std::marker::PhantomData;
use std::sync::Arc;

use mtask::{Spec, Worker, delayed_init};

/// Neither `Clone` nor `Debug`.
struct Opaque(u8);

struct Shared<T: ?Sized> {
    value: Arc<T>,
}

// A parameter behind an `Arc` need not be `Clone` for the spec to be.
#[delayed_init]
impl<T: ?Sized + Send + Sync> Shared<T> {
    fn new(value: Arc<T>) -> Self {
        Self { value }
    }

    fn call(&mut self, (): ()) -> usize {
        size_of_val(&*self.value)
    }
}

struct Source<I>
where
    I: Iterator,
{
    first: Option<I::Item>,
    rest: I,
}

// A projection of a parameter as an argument, and a bound that only `call` has.
#[delayed_init]
impl<I> Source<I>
where
    I: Iterator,
{
    fn new(first: Option<I::Item>, rest: I) -> Self {
        Self { first, rest }
    }

    fn call(&mut self, prefix: &str) -> String
    where
        I::Item: Display,
    {
        let next = self.first.take().or_else(|| self.rest.next());
        next.map_or_else(String::new, |item| format!("{prefix}{item}"))
    }
}

struct Block<const N: usize>([u8; N]);

#[delayed_init]
impl<const N: usize> Block<N> {
    fn new(bytes: [u8; N]) -> Self {
        Self(bytes)
    }

    fn call(&mut self, place: usize) -> Option<u8> {
        self.0.get(place % N).copied()
    }
}

struct Fixed([u8; 3]);

#[delayed_init]
impl Fixed {
    const N: usize = 3;

    fn new(bytes: [u8; Self::N]) -> Self {
        Self(bytes)
    }

    fn call(&mut self, add: [u8; Self::N]) -> [u8; Self::N] {
        let mut sum = self.0;
        sum.iter_mut().zip(add).for_each(|(a, b)| *a += b);
        sum
    }
}

struct Finder<'a> {
    text: &'a str,
    label: String,
}

// A borrow for a lifetime of the type is recorded as it is; any other is stored owned.
#[delayed_init]
impl<'a> Finder<'a> {
    fn new<'b>(text: &'a str, label: &'b str) -> Self {
        Self { text, label: label.to_owned() }
    }

    fn call(&mut self, needle: &str) -> Option<&'a str> {
        self.text.find(needle).map(|at| &self.text[at..])
    }
}

struct Anonymous<'a>(PhantomData<&'a u8>, u32);

#[delayed_init]
impl Anonymous<'_> {
    fn new(n: u32) -> Self {
        Self(PhantomData, n)
    }
}

/// `T` is in no argument: the spec has a marker for it.
struct Parse<T> {
    radix: u32,
    parsed: PhantomData<T>,
}

#[delayed_init]
impl<T> Parse<T>
where
    T: std::str::FromStr,
    T::Err: Debug,
{
    fn new(radix: u32) -> Self {
        Self { radix, parsed: PhantomData }
    }

    fn call(&mut self, digits: String) -> Option<T> {
        assert_eq!(self.radix, 10);
        digits.parse().ok()
    }
}

// A slice of a parameter, and a struct with bounds and a default.
#[delayed_init(new = with_weights)]
struct Sum<T = u32, const N: usize = 2>
where
    T: Clone + Default + std::ops::AddAssign + Send,
{
    weights: Vec<T>,
    #[init]
    total: T,
    #[init([const { None }; N])]
    last: [Option<T>; N],
}

struct Slices<T>(Vec<T>);

#[delayed_init]
impl<T: Clone> Slices<T> {
    fn new(parts: &[T]) -> Self {
        Self(parts.to_vec())
    }

    fn call(&mut self, more: &[T]) -> usize {
        self.0.extend_from_slice(more);
        self.0.len()
    }
}

/// Not `Clone`: an input is not cloned.
struct Once(u8);

// A derive sees the parameter through a borrowed slice.
struct Chosen<T>(Vec<T>);

#[delayed_init(derive(PartialEq, Eq, Hash))]
impl<T: Clone> Chosen<T> {
    fn new(all: &[T], sizes: &[u8]) -> Self {
        Self(all[..sizes.len()].to_vec())
    }

    fn call(&mut self, parts: &[Once]) -> usize {
        self.0.len() + parts.iter().map(|part| usize::from(part.0)).sum::<usize>()
    }
}

/// `Send` and `Sync` by its own account, which the spelling of a `dyn Codec` does not tell.
trait Codec<T>: Send + Sync {
    fn code(&self, item: T) -> T;
}

struct Identity;

impl<T> Codec<T> for Identity {
    fn code(&self, item: T) -> T {
        item
    }
}

struct Coder<T> {
    codec: Arc<dyn Codec<T>>,
}

#[delayed_init]
impl<T: 'static> Coder<T> {
    fn new(codec: Arc<dyn Codec<T>>, before: &Arc<dyn Codec<T>>) -> Self {
        assert!(Arc::ptr_eq(&codec, before));
        Self { codec }
    }

    fn call(&mut self, item: T) -> T {
        self.codec.code(item)
    }
}

fn main() {
    let spec = Shared::spec(Arc::new(Opaque(1))).clone();
    assert_eq!(spec.value.0, 1);
    assert_eq!(spec.build().unwrap().call(()), 1);
    let unsized_spec = Shared::<str>::spec("four".into());
    assert_eq!(format!("{unsized_spec:?}"), r#"SharedSpec { value: "four" }"#);
    assert_eq!(unsized_spec.build().unwrap().call(()), 4);

    let mut source = Source::spec(Some(9), 0..2).build().unwrap();
    assert_eq!(Worker::call(&mut source, "n".to_owned()), "n9");
    assert_eq!(source.call("n"), "n0");

    assert_eq!(Block::spec([1, 2]).clone().build().unwrap().call(3), Some(2));
    assert_eq!(Fixed::spec([1, 2, 3]).build().unwrap().call([1; 3]), [2, 3, 4]);

    let text = "one two".to_owned();
    let spec = Finder::spec(&text, "l");
    let mut finder = spec.clone().build().unwrap();
    assert_eq!(Worker::call(&mut finder, "t".to_owned()), Some("two"));
    assert_eq!(finder.label, "l");

    assert_eq!(AnonymousSpec::clone(&Anonymous::spec(3)).build().unwrap().1, 3);

    let mut parse = Parse::<u8>::spec(10).times(2).next().unwrap().build().unwrap();
    assert_eq!(parse.call("12".to_owned()), Some(12));
    let literal = ParseSpec::<u8> { radix: 10, marker: PhantomData };
    assert_eq!(literal.build().unwrap().call("300".to_owned()), None);

    let sum: Sum = Sum::spec(vec![1_u32]).build().unwrap();
    assert_eq!((sum.weights, sum.total, sum.last), (vec![1], 0, [None, None]));

    assert_eq!(Sum::<u8, 3>::with_weights(vec![1]).unwrap().last, [None; 3]);

    let mut slices = Slices::spec(&["a"]).build().unwrap();
    assert_eq!(Worker::call(&mut slices, vec!["b", "c"]), 3);

    let spec = Chosen::spec(&["a", "b"], &[1]);
    assert!(spec == spec.clone());
    let mut chosen = spec.build().unwrap();
    assert_eq!(Worker::call(&mut chosen, vec![Once(1), Once(2)]), 4);

    let codec: Arc<dyn Codec<u8>> = Arc::new(Identity);
    let mut coder = Coder::spec(codec.clone(), &codec).clone().build().unwrap();
    assert_eq!(coder.call(3), 3);
}
