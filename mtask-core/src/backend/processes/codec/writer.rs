//! Writes values in the form of postcard.

use serde::ser::{self, Serialize, Serializer};

use super::MOST_NESTED;
use super::error::Error;

/// Where a value is written to.
pub(super) struct Writer<'a> {
    pub(super) bytes: &'a mut Vec<u8>,
    /// In how many others the value lies that is being written.
    depth: usize,
}

impl<'a> Writer<'a> {
    pub(super) fn new(bytes: &'a mut Vec<u8>) -> Self {
        Self { bytes, depth: 0 }
    }

    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    fn long_number(&mut self, mut number: u128) {
        while number >= 0x80 {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    fn signed(&mut self, number: i64) {
        self.number((number << 1 ^ number >> 63) as u64);
    }

    /// Begins a value that has others inside it.
    fn enter(&mut self) -> Result<&mut Self, Error> {
        if self.depth == MOST_NESTED {
            return Err(super::too_deep());
        }
        self.depth += 1;
        Ok(self)
    }

    fn inside(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        value.serialize(&mut *self.enter()?)?;
        self.depth -= 1;
        Ok(())
    }

    fn enter_counted(&mut self, length: Option<usize>, what: &str) -> Result<&mut Self, Error> {
        let Some(length) = length else {
            let what = format!("{what} does not say its length, as with `#[serde(flatten)]`");
            return Err(Error::uncarried(what));
        };
        self.number(length as u64);
        self.enter()
    }
}

/// Methods that write a number of a type.
macro_rules! numbers {
    ($($method:ident, $type:ty, $write:ident;)*) => {
        $(
            #[inline]
            fn $method(self, value: $type) -> Result<(), Error> {
                self.$write(value.into());
                Ok(())
            }
        )*
    };
}

impl Serializer for &mut Writer<'_> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    numbers! {
        serialize_u16, u16, number;
        serialize_u32, u32, number;
        serialize_u64, u64, number;
        serialize_u128, u128, long_number;
        serialize_i16, i16, signed;
        serialize_i32, i32, signed;
        serialize_i64, i64, signed;
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    #[inline]
    fn serialize_u8(self, value: u8) -> Result<(), Error> {
        self.bytes.push(value);
        Ok(())
    }

    fn serialize_i8(self, value: i8) -> Result<(), Error> {
        self.serialize_u8(value as u8)
    }

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.serialize_u8(value.into())
    }

    fn serialize_i128(self, value: i128) -> Result<(), Error> {
        self.long_number((value << 1 ^ value >> 127) as u128);
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        self.bytes.extend_from_slice(&value.to_le_bytes());
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        self.bytes.extend_from_slice(&value.to_le_bytes());
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        self.serialize_bytes(value.as_bytes())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        self.number(value.len() as u64);
        self.bytes.extend_from_slice(value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_u8(0)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        self.bytes.push(1);
        self.inside(value)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        Ok(())
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
    ) -> Result<(), Error> {
        self.serialize_u32(index)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.inside(value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.number(index.into());
        self.inside(value)
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Self, Error> {
        self.enter_counted(length, "a sequence")
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, Error> {
        self.enter()
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, Error> {
        self.enter()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, Error> {
        self.number(index.into());
        self.enter()
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Self, Error> {
        self.enter_counted(length, "a map")
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Error> {
        self.enter()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, Error> {
        self.number(index.into());
        self.enter()
    }
}

/// Compounds of values that stand one behind the other.
macro_rules! compounds {
    ($($trait:ident, $method:ident;)*) => {
        $(
            impl ser::$trait for &mut Writer<'_> {
                type Ok = ();
                type Error = Error;

                #[inline]
                fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                    value.serialize(&mut **self)
                }

                fn end(self) -> Result<(), Error> {
                    self.depth -= 1;
                    Ok(())
                }
            }
        )*
    };
}

compounds! {
    SerializeSeq, serialize_element;
    SerializeTuple, serialize_element;
    SerializeTupleStruct, serialize_field;
    SerializeTupleVariant, serialize_field;
}

impl ser::SerializeMap for &mut Writer<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        key.serialize(&mut **self)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<(), Error> {
        self.depth -= 1;
        Ok(())
    }
}

/// Structs, of which no field may be left out.
macro_rules! structs {
    ($($trait:ident)*) => {
        $(
            impl ser::$trait for &mut Writer<'_> {
                type Ok = ();
                type Error = Error;

                #[inline]
                fn serialize_field<T: Serialize + ?Sized>(
                    &mut self,
                    _: &'static str,
                    value: &T,
                ) -> Result<(), Error> {
                    value.serialize(&mut **self)
                }

                fn skip_field(&mut self, name: &'static str) -> Result<(), Error> {
                    let what = format!("its field `{name}` is left out (`skip_serializing_if`)");
                    Err(Error::uncarried(what))
                }

                fn end(self) -> Result<(), Error> {
                    self.depth -= 1;
                    Ok(())
                }
            }
        )*
    };
}

structs! { SerializeStruct SerializeStructVariant }
