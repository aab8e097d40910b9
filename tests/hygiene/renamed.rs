//! A dependency under another name.

mod inner {
    pub mod parallel {
        pub use ::mtask::__private;
    }
}

use mtask::{Spec, delayed_init};

struct Adder(u64);

#[delayed_init(crate = crate::renamed::inner::parallel)]
impl Adder {
    fn new(by: u64) -> Self {
        Self(by)
    }

    fn call(&mut self, x: u64) -> u64 {
        x + self.0
    }
}

macro_rules! through_a_macro {
    ($krate:path) => {
        #[delayed_init(crate = $krate)]
        struct Named {
            by: u64,
        }
    };
}

through_a_macro!(self::inner::parallel);

#[test]
fn the_path_given_is_the_path_taken() {
    assert_eq!(Adder::spec(1).build().unwrap().call(2), 3);
    assert_eq!(Named::spec(1).build().unwrap().by, 1);
}
