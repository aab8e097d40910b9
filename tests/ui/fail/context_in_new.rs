use mtask::prelude::*;

struct Numbered(usize);

#[delayed_init]
impl Numbered {
    fn new(context: &Context<'_>) -> Self {
        Self(context.worker())
    }

    fn call(&mut self, x: u32) -> usize {
        self.0 + x as usize
    }
}

fn main() {}
