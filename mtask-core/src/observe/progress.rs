//! How a run is shown while it goes: a bar on a terminal and in a notebook, plain lines anywhere else.
//!
//! The thread that yields items only adds to two counters. A ticker thread reads them some ten
//! times a second, with those that the workers keep in any case where they are shown too, and is the
//! only one that looks at a clock, formats and draws. It draws the end as well, since indicatif draws
//! nothing on a thread that is panicking.
//!
//! indicatif formats the bars, and keeps them in order; on standard error it draws them on a canvas
//! of ours (`canvas.rs`), as on a terminal others print too (`terminal.rs`), and a notebook keeps
//! lines only (`notebook.rs`).

mod canvas;
mod display;
mod notebook;
mod options;
mod pace;
mod print;
mod reporter;
mod room;
mod screen;
mod status;
mod terminal;
#[cfg(test)]
mod tests;
mod workers;

pub use options::ProgressOptions;
pub use print::ProgressWriter;
pub(crate) use reporter::Reporter;
pub(crate) use room::Room;
