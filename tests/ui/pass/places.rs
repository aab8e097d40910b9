//! Workers in function bodies, in `macro_rules!`, in modules, under a `cfg`; private and public.

use mtask::{Spec, Worker, delayed_init};

macro_rules! worker {
    ($(#[$attr:meta])* $vis:vis $name:ident, $ty:ty, $arg:ident, $by:expr) => {
        $(#[$attr])*
        $vis struct $name {
            $arg: $ty,
            hidden: $ty,
        }

        #[delayed_init]
        impl $name {
            $vis fn new($arg: $ty, hidden: &$ty) -> Self {
                let local = $by;
                Self { $arg, hidden: hidden.clone() + local }
            }

            $vis fn call(&mut self, input: $ty) -> $ty {
                self.$arg + self.hidden + input
            }
        }
    };
}

macro_rules! structs {
    ($name:ident, $arg:ident: $ty:ty, $made:ident = $init:expr) => {
        #[delayed_init]
        struct $name {
            $arg: $ty,
            hygienic: $ty,
            #[init($init + hygienic)]
            $made: $ty,
        }
    };
}

macro_rules! on_a_type {
    ($ty:ty) => {
        #[delayed_init]
        impl $ty {
            fn new() -> Self {
                Self(3)
            }
        }
    };
}

worker! {
    /// Made by a macro.
    #[derive(Debug)]
    pub Adder, u32, start, 1
}

structs!(Doubled, start: u32, twice = start * 2);

struct OnAType(u8);

on_a_type!(OnAType);

mod inner {
    use mtask::delayed_init;

    struct Private(Secret);

    #[derive(Clone)]
    struct Secret(u8);

    // `pub fn new` on a private type: the spec is public, the type is not.
    #[delayed_init(named)]
    impl Private {
        pub fn new(secret: Secret) -> Self {
            Self(secret)
        }

        fn call(&mut self, secret: Secret) -> Secret {
            Secret(self.0.0 + secret.0)
        }
    }

    pub struct Public(u8);

    #[delayed_init(named)]
    impl Public {
        pub(in crate::inner) fn private_spec() {}

        pub(super) fn new(n: u8) -> Self {
            Self(n)
        }

        fn call(&mut self, add: u8) -> u8 {
            Self::private_spec();
            self.0 + add
        }
    }

    pub fn private() -> u8 {
        use mtask::{Spec, Worker};

        let mut worker = Private::spec(Secret(1)).build().unwrap();
        Worker::call(&mut worker, PrivateInput { secret: Secret(2) }).0
    }
}

#[delayed_init]
#[allow(dead_code)]
impl inner::Public {
    fn finish(self) -> u8 {
        0
    }

    #[cfg(all())]
    #[inline]
    const fn new_of_another_name() {}

    const EXPR: [u8; const { 1 + 1 }] = { [Self::EXPR_BY; 2] };
    const EXPR_BY: u8 = 1;

    #[cfg(any())]
    fn new(gone: Missing) -> Self {
        loop {}
    }
}

#[cfg(any())]
#[delayed_init]
impl Missing {
    fn new(gone: Gone) -> Self {}
}

#[delayed_init]
#[cfg(any())]
impl Missing {
    fn new(gone: Gone) -> Self {}
    fn call(&mut self, gone: Gone) {}
}

#[delayed_init]
#[cfg(any())]
struct Missing {
    gone: Gone,
}

// `call` written by hand, and `finish` alone in a block.
struct Ending(u8);

impl Worker for Ending {
    type Input = ();
    type Output = ();

    fn call(&mut self, (): ()) {
        self.0 += 1;
    }
}

#[delayed_init]
impl Ending {
    fn finish(self) -> u8 {
        self.0
    }
}

enum Either {
    Left(u8),
    Right,
}

// An enum has its own `impl` block.
#[delayed_init]
impl Either {
    fn new(left: bool) -> Self {
        if left { Self::Left(1) } else { Self::Right }
    }

    fn call(&mut self, input: u8) -> u8 {
        match self {
            Self::Left(by) => input + *by,
            Self::Right => input,
        }
    }
}

#[allow(non_camel_case_types)]
struct r#struct;

#[delayed_init]
impl r#struct {
    fn new(r#fn: u8, r#in: &str) -> Self {
        assert_eq!(usize::from(r#fn), r#in.len());
        Self
    }
}

fn main() {
    #[derive(Clone)]
    struct Local(u8);

    struct Here(Local);

    #[delayed_init]
    impl Here {
        fn new(local: Local) -> Self {
            Self(local)
        }

        fn call(&mut self, input: Local) -> u8 {
            (self.0).0 + input.0
        }
    }

    assert_eq!(Here::spec(Local(1)).build().unwrap().call(Local(2)), 3);

    let mut adder = Adder::spec(1, &2).build().unwrap();
    assert_eq!(Worker::call(&mut adder, 3), 7);
    assert_eq!(DoubledSpec { start: 2, hygienic: 1 }.build().unwrap().twice, 5);
    assert_eq!(OnAType::spec().build().unwrap().0, 3);
    assert_eq!(inner::private(), 3);
    let spec = inner::PublicSpec { n: 2 };
    let mut public = spec.build().unwrap();
    assert_eq!(public.call(inner::PublicInput { add: 3 }), 5);
    let mut ending = Ending(2);
    ending.call(());
    assert_eq!(mtask::Finish::finish(ending), 3);
    assert_eq!(Either::spec(true).build().unwrap().call(2), 3);
    assert_eq!(Either::spec(false).build().unwrap().call(2), 2);
    r#struct::spec(2, "ab").build().unwrap();
}
