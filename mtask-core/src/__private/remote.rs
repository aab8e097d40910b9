//! What `#[delayed_init(remote)]` names.

pub use inventory;
pub use serde;

pub use crate::error::BoxError;
pub use crate::processes::{Entry, RemoteSpec};

/// Appends a value as a child reads it.
pub fn encode(value: &impl serde::Serialize, bytes: &mut Vec<u8>) -> Result<(), BoxError> {
    *bytes = postcard::to_extend(value, std::mem::take(bytes))?;
    Ok(())
}
