//! Text to token ids.
fn main() {}
