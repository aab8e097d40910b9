use mtask::{Spec, delayed_init};

struct Square<T>(std::marker::PhantomData<T>);

#[delayed_init]
impl<T> Square<T> {
    fn new(all: Vec<std::rc::Rc<T>>) -> Self {
        let _ = all;
        Self(std::marker::PhantomData)
    }
}

fn main() {
    drop(Square::<u8>::spec(Vec::new()).times(2));
}
