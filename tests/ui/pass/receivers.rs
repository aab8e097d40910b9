//! `self` in every form in which a worker can be called and finished.

#![allow(unused_parens)]

use std::marker::PhantomData;

use mtask::{Finish, Spec, Worker, delayed_init};

struct Plain(u32);

#[delayed_init]
impl Plain {
    fn new() -> Self {
        Self(1)
    }

    fn call(&mut self, by: u32) -> u32 {
        self.0 + by
    }

    fn finish(self) -> u32 {
        self.0
    }
}

struct Shared(u32);

#[delayed_init]
impl Shared {
    fn new() -> Self {
        Self(1)
    }

    fn call(&self, by: u32) -> u32 {
        self.0 + by
    }

    fn finish(mut self) -> u32 {
        self.0 += 0;
        self.0
    }
}

struct Typed(u32);

#[delayed_init]
impl Typed {
    fn new() -> Self {
        Self(1)
    }

    fn call(self: &mut Self, by: u32) -> u32 {
        self.0 + by
    }

    fn finish(self: Self) -> u32 {
        self.0
    }
}

struct Mutable(u32);

#[delayed_init]
impl Mutable {
    fn new() -> Self {
        Self(1)
    }

    fn call(self: &Self, by: u32) -> u32 {
        self.0 + by
    }

    fn finish(mut self: Self) -> u32 {
        self.0 += 0;
        self.0
    }
}

struct Named(u32);

#[delayed_init]
impl Named {
    fn new() -> Self {
        Self(1)
    }

    fn call(self: &mut Named, by: u32) -> u32 {
        self.0 + by
    }

    fn finish(self: Named) -> u32 {
        self.0
    }
}

struct Lifetime(u32);

#[delayed_init]
impl Lifetime {
    fn new() -> Self {
        Self(1)
    }

    fn call(self: &'_ mut (Self), by: u32) -> u32 {
        self.0 + by
    }

    fn finish(self: (Self)) -> u32 {
        self.0
    }
}

struct Generic<'a, T>(T, PhantomData<&'a ()>);

#[delayed_init]
impl<'a, T: Clone + Send> Generic<'a, T> {
    fn new(value: T) -> Self {
        Self(value, PhantomData)
    }

    fn call(self: &mut Generic<'a, T>, value: T) -> T {
        std::mem::replace(&mut self.0, value)
    }

    fn finish(self: Generic<'a, T>) -> T {
        self.0
    }
}

fn run<W: Finish<Input = u32, Output = u32, Summary = u32>>(spec: impl Spec<W>) {
    let mut worker = spec.build().unwrap();
    assert_eq!(worker.call(2), 3);
    assert_eq!(worker.finish(), 1);
}

fn main() {
    run(Plain::spec());
    run(Shared::spec());
    run(Typed::spec());
    run(Mutable::spec());
    run(Named::spec());
    run(Lifetime::spec());
    let mut generic: Generic<'_, u8> = Generic::spec(1).build().unwrap();
    assert_eq!((Worker::call(&mut generic, 2), Finish::finish(generic)), (1, 2));
}
