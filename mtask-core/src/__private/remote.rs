//! What `#[delayed_init(remote)]` names.

pub use inventory;
pub use serde;

pub use crate::backend::processes::{Entry, RemoteSpec, TestEntry, serve_if_child, to_bytes};

pub use crate::messages::SentBack;
