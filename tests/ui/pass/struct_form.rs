//! Fields are the arguments; `#[init]` fields are made inside the worker.

use mtask::prelude::*;

#[delayed_init]
struct Square {
    id: usize,
    #[init]
    seen: usize,
    #[init(Vec::with_capacity(id))]
    log: Vec<u64>,
}

impl Worker for Square {
    type Input = u64;
    type Output = (usize, u64);

    fn call(&mut self, a: u64) -> (usize, u64) {
        self.seen += 1;
        self.log.push(a);
        (self.id, a * a)
    }
}

fn main() -> Result<(), TaskError> {
    let specs = (0..4).map(Square::spec);
    let mut workers: Vec<Square> = specs.map(|spec| spec.build().unwrap()).collect();
    let worker = &mut workers[3];
    assert!(worker.log.capacity() >= 3);
    assert_eq!(worker.call(5), (3, 25));
    assert_eq!((worker.seen, &*worker.log), (1, &[5][..]));
    assert_eq!(format!("{:?}", SquareSpec { id: 7 }), "SquareSpec { id: 7 }");

    let squares: Vec<_> =
        par_stateful(1..=5u64, (0..4).map(Square::spec)).collect::<Result<_, _>>()?;
    assert_eq!(squares.iter().map(|(_, square)| *square).sum::<u64>(), 55);
    Ok(())
}
