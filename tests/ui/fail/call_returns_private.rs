//! What a public worker gives is public.
mod rows {
    use mtask::prelude::*;

    struct Row;

    pub struct Read;

    #[delayed_init]
    impl Read {
        pub fn new() -> Self {
            Self
        }

        fn call(&mut self, _: u32) -> Row {
            Row
        }
    }
}

fn main() {}
