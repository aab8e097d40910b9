use mtask::prelude::*;

struct Numbered;

#[delayed_init]
impl Numbered {
    fn new() -> Self {
        Self
    }

    fn call(&mut self, x: u32, ctx: &'static Context<'static>) -> usize {
        ctx.index() + x as usize
    }
}

fn main() {
    for item in par_stateful(0..3u32, Numbered::spec().times(2)) {
        drop(item);
    }
}
