//! The context under every path, and types of one's own that have its name.

mod parallel {
    pub use mtask::*;
}

mod own {
    #[derive(Clone, Debug, PartialEq)]
    pub struct Context(pub u8);
}

mod generic {
    #[derive(Clone)]
    pub struct Context<T>(pub T);
}

mod imported {
    use mtask::prelude::*;

    pub struct Imported;

    #[delayed_init]
    impl Imported {
        pub fn new() -> Self {
            Self
        }

        pub fn call(&mut self, x: usize, context: &Context<'_>) -> usize {
            x + context.index()
        }
    }
}

mod glob {
    use super::own::Context;
    use mtask::{Worker, delayed_init};

    pub struct Own(pub u8);

    #[delayed_init]
    impl Own {
        // A spec has no item, and so no context: this name is free here.
        pub fn new(context: &Context) -> Self {
            Self(context.0)
        }

        pub fn call(&mut self, context: &self::Context) -> u8 {
            self.0 + context.0
        }
    }

    pub fn call(own: &mut Own, context: Context) -> u8 {
        Worker::call(own, context)
    }
}

use mtask::{Spec, Worker, delayed_init};

macro_rules! worker {
    ($name:ident, $context:ty) => {
        struct $name;

        #[delayed_init]
        impl $name {
            fn new() -> Self {
                Self
            }

            fn call(&mut self, context: $context) -> usize {
                context.index() + 1
            }
        }
    };
}

worker!(Qualified, &mtask::Context);
worker!(Absolute, &::mtask::Context<'_>);
worker!(Prelude, &mtask::prelude::Context);
worker!(Reexported, &parallel::Context<'_>);

struct Lifetime;

#[delayed_init(crate = crate::parallel)]
impl Lifetime {
    fn new() -> Self {
        Self
    }

    fn call<'a, 'b>(&mut self, x: usize, context: &'b parallel::Context<'a>) -> usize {
        context.index() + x
    }
}

struct Renamed;

#[delayed_init(crate = crate::parallel)]
impl Renamed {
    fn new() -> Self {
        Self
    }

    fn call(&mut self, x: usize, context: &parallel::Context) -> usize {
        context.index() + x
    }
}

struct Generic;

#[delayed_init]
impl Generic {
    fn new(context: own::Context) -> Self {
        assert_eq!(context, own::Context(3));
        Self
    }

    fn call(&mut self, one: generic::Context<u8>, more: &generic::Context<u8>) -> u8 {
        one.0 + more.0
    }
}

fn main() {
    let mut imported = imported::Imported::spec().build().unwrap();
    assert_eq!(Worker::call(&mut imported, 3), 3);
    let mut own = glob::Own::spec(&own::Context(1)).build().unwrap();
    assert_eq!(glob::call(&mut own, own::Context(2)), 3);
    assert_eq!(Worker::call(&mut Qualified::spec().build().unwrap(), ()), 1);
    assert_eq!(Worker::call(&mut Absolute::spec().build().unwrap(), ()), 1);
    assert_eq!(Worker::call(&mut Prelude::spec().build().unwrap(), ()), 1);
    assert_eq!(Worker::call(&mut Reexported::spec().build().unwrap(), ()), 1);
    assert_eq!(Worker::call(&mut Lifetime::spec().build().unwrap(), 2), 2);
    assert_eq!(Worker::call(&mut Renamed::spec().build().unwrap(), 2), 2);
    let mut generic = Generic::spec(own::Context(3)).build().unwrap();
    assert_eq!(Worker::call(&mut generic, (generic::Context(1), generic::Context(2))), 3);
}
