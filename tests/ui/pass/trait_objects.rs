//! Trait objects by reference, kept as they are written.

use std::fmt::{Debug, Display};

use mtask::prelude::*;

struct Static {
    shown: String,
}

#[delayed_init]
impl Static {
    fn new(
        shout: &'static (dyn Fn(&str) -> String + Sync),
        name: &'static dyn Name,
        parts: [&'static (dyn Display + Sync); 2],
        last: Option<&'static (dyn Debug + Send + Sync)>,
    ) -> Self {
        let [a, b] = parts;
        Self { shown: format!("{}{a}{b}{last:?}", shout(name.name())) }
    }

    fn call(&mut self, name: &'static dyn Name, more: &'static (dyn Fn() -> u8 + Sync)) -> String {
        format!("{} {} {}", self.shown, name.name(), more())
    }
}

trait Name: Sync {
    fn name(&self) -> &str;
}

impl Name for str {
    fn name(&self) -> &str {
        self
    }
}

impl Name for &'static str {
    fn name(&self) -> &str {
        self
    }
}

struct Borrowing<'a, T> {
    length: usize,
    measure: &'a (dyn Fn(T) -> usize + Sync),
}

#[delayed_init]
impl<'a, T> Borrowing<'a, T> {
    fn new(name: &'a dyn Name, measure: &'a (dyn Fn(T) -> usize + Sync)) -> Self {
        Self { length: name.name().len(), measure }
    }

    fn call(&mut self, item: T) -> usize {
        self.length + (self.measure)(item)
    }
}

#[delayed_init]
struct Recorded<'a> {
    name: &'a dyn Name,
    #[init(name.name().len())]
    length: usize,
}

fn main() {
    let spec = Static::spec(&|text: &str| text.to_uppercase(), &"a", [&1, &2.5], Some(&"c"));
    let mut worker: Static = spec.clone().build().unwrap();
    let _: &'static dyn Name = spec.name;
    assert_eq!(Worker::call(&mut worker, (&"d", &|| 7)), "A12.5Some(\"c\") d 7");
    let results = par_stateful([(&"d" as &'static dyn Name, &(|| 8u8) as _)], [spec]);
    assert_eq!(results.propagate_panics().collect::<Vec<_>>(), ["A12.5Some(\"c\") d 8"]);

    let offset = 10;
    let measure = |item: Vec<u8>| item.len() + offset;
    let name = "four";
    let specs = Borrowing::spec(&name, &measure).times(2);
    let lengths = mtask::scope(|scope| {
        scope.par_stateful([vec![1u8], vec![]], specs).propagate_panics().collect::<Vec<_>>()
    });
    assert_eq!(lengths, [15, 14]);

    let recorded = Recorded::spec(&name).build().unwrap();
    assert_eq!((recorded.name.name(), recorded.length), ("four", 4));
}
