//! Values as bytes: postcard, and no panic of the user's code that says what there is to encode.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use postcard::ser_flavors::Flavor;
use serde::{Deserialize, Serialize};

use crate::error::{PanicPayload, drop_caught};

/// Appends a value.
///
/// # Errors
///
/// Why that cannot be done, and nothing is appended.
pub(super) fn encode(bytes: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) -> Result<(), String> {
    let start = bytes.len();
    let encoded = catch_unwind(AssertUnwindSafe(|| {
        postcard::serialize_with_flavor(value, Append(&mut *bytes))
    }));
    let error = match encoded {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(error)) => error.to_string(),
        Err(payload) => panicked(payload),
    };
    bytes.truncate(start);
    Err(error)
}

/// A value as bytes.
///
/// # Errors
///
/// Why it has none.
pub fn to_bytes(value: &(impl Serialize + ?Sized)) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    encode(&mut bytes, value)?;
    Ok(bytes)
}

/// Reads a value that takes all of the bytes.
///
/// # Errors
///
/// Why there is none.
pub(super) fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, String> {
    decode_as(bytes, |value| value)
}

/// The same, as what `make` makes of it, which may panic.
///
/// # Errors
///
/// Why there is none.
pub(super) fn decode_as<'a, T: Deserialize<'a>, O>(
    bytes: &'a [u8],
    make: impl FnOnce(T) -> O,
) -> Result<O, String> {
    let decoded = catch_unwind(AssertUnwindSafe(|| {
        let (value, rest) = postcard::take_from_bytes(bytes).map_err(|error| error.to_string())?;
        if rest.is_empty() {
            return Ok(make(value));
        }
        drop_caught::<T>(value);
        Err(format!("{} bytes are left over", rest.len()))
    }));
    decoded.unwrap_or_else(|payload| Err(panicked(payload)))
}

fn panicked(payload: Box<dyn Any + Send>) -> String {
    let message = format!("that panicked: {}", PanicPayload::text(&*payload));
    drop_caught(payload);
    message
}

/// Where postcard puts what it writes.
struct Append<'a>(&'a mut Vec<u8>);

impl Flavor for Append<'_> {
    type Output = ();

    #[inline]
    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}
