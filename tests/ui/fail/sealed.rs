//! A backend, or a run, of one's own: what seals the traits of both cannot be named.

struct Mine;

impl mtask::backend::sealed::Sealed for Mine {}

fn main() {}
