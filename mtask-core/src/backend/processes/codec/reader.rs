//! Reads values in the form of postcard, in no more memory than is in proportion to what was sent.

use serde::de::value::U32Deserializer;
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

use super::MOST_NESTED;
use super::error::Error;

/// So many bytes of memory may a value take for each that was sent: as many as the number of 64 bits that is
/// sent as one.
const MOST_A_BYTE: usize = 8;
/// And so many besides, however little was sent.
const MOST_BESIDES: usize = 64 << 20;

/// What a value is read from.
pub(super) struct Reader<'de> {
    rest: &'de [u8],
    /// In how many others the value lies that is being read.
    depth: usize,
    /// How many bytes of memory have been asked for.
    taken: usize,
    most: usize,
}

impl<'de> Reader<'de> {
    pub(super) fn new(bytes: &'de [u8]) -> Self {
        let most = bytes.len().saturating_mul(MOST_A_BYTE).saturating_add(MOST_BESIDES);
        Self { rest: bytes, depth: 0, taken: 0, most }
    }

    /// How many bytes have not been read.
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    fn take(&mut self, count: usize) -> Result<&'de [u8], Error> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or_else(ends_early)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (&taken, rest) = self.rest.split_first_chunk().ok_or_else(ends_early)?;
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    fn byte(&mut self) -> Result<u8, Error> {
        let (&byte, rest) = self.rest.split_first().ok_or_else(ends_early)?;
        self.rest = rest;
        Ok(byte)
    }

    /// A number whose type has so many bits.
    #[inline]
    fn number(&mut self, bits: u32) -> Result<u64, Error> {
        let byte = self.byte()?;
        if byte < 0x80 {
            return Ok(byte.into());
        }
        let number = self.rest_of_number(byte, bits)?;
        u64::try_from(number).map_err(|_| not_a("a number"))
    }

    fn rest_of_number(&mut self, first: u8, bits: u32) -> Result<u128, Error> {
        let mut number = u128::from(first & 0x7f);
        for shift in (7..bits).step_by(7) {
            let byte = self.byte()?;
            let part = u128::from(byte & 0x7f);
            if part >= 1 << (bits - shift).min(7) {
                return Err(not_a("a number"));
            }
            number |= part << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(not_a("a number"))
    }

    fn long_number(&mut self) -> Result<u128, Error> {
        let byte = self.byte()?;
        if byte < 0x80 { Ok(byte.into()) } else { self.rest_of_number(byte, 128) }
    }

    #[inline]
    fn signed(&mut self, bits: u32) -> Result<i64, Error> {
        let number = self.number(bits)?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    fn length(&mut self) -> Result<usize, Error> {
        usize::try_from(self.number(64)?).map_err(|_| not_a("a length"))
    }

    fn text(&mut self) -> Result<&'de str, Error> {
        let length = self.length()?;
        std::str::from_utf8(self.take(length)?).map_err(|_| not_a("UTF-8"))
    }

    /// Reads what counts as `size` bytes of memory, or as what its parts do where that is more.
    #[inline]
    fn counted<T>(
        &mut self,
        size: usize,
        read: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let before = self.taken;
        let value = read(self)?;
        self.taken = self.taken.max(before.saturating_add(size));
        if self.taken > self.most {
            let most = self.most;
            let what =
                format!("it takes more than {most} bytes of memory, far more than were sent");
            return Err(Error(what.into()));
        }
        Ok(value)
    }

    /// Reads a value that has others inside it.
    #[inline]
    fn inside<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        if self.depth == MOST_NESTED {
            return Err(super::too_deep());
        }
        self.depth += 1;
        let value = self.counted(size_of::<T>(), read)?;
        self.depth -= 1;
        Ok(value)
    }

    fn sequence<V: Visitor<'de>>(&mut self, left: usize, visitor: V) -> Result<V::Value, Error> {
        self.inside(|reader| visitor.visit_seq(Sequence { reader, left }))
    }
}

fn ends_early() -> Error {
    Error::uncarried("it ends too early, and was not written as it is read")
}

fn not_a(what: &str) -> Error {
    Error::uncarried(format!("{what} should be there and is not: it was not written as it is read"))
}

fn undescribed(what: &str) -> Error {
    Error::uncarried(format!(
        "it asks for {what}, as untagged and internally tagged enums, `#[serde(flatten)]` and \
         `serde_json::Value` do"
    ))
}

/// Methods that read a number of a type.
macro_rules! numbers {
    ($($method:ident, $visit:ident, $type:ty, $read:ident;)*) => {
        $(
            #[inline]
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
                // No more than the type has bits, which are counted as they are read.
                visitor.$visit(self.$read(<$type>::BITS)? as $type)
            }
        )*
    };
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Error;

    numbers! {
        deserialize_u16, visit_u16, u16, number;
        deserialize_u32, visit_u32, u32, number;
        deserialize_u64, visit_u64, u64, number;
        deserialize_i16, visit_i16, i16, signed;
        deserialize_i32, visit_i32, i32, signed;
        deserialize_i64, visit_i64, i64, signed;
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(undescribed("whatever is there"))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(undescribed("something to be ignored"))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(undescribed("a name"))
    }

    #[inline]
    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_u8(self.byte()?)
    }

    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_i8(self.byte()? as i8)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.byte()? {
            0 => visitor.visit_bool(false),
            1 => visitor.visit_bool(true),
            _ => Err(not_a("a yes or no")),
        }
    }

    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_u128(self.long_number()?)
    }

    fn deserialize_i128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let number = self.long_number()?;
        visitor.visit_i128((number >> 1) as i128 ^ -((number & 1) as i128))
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_f32(f32::from_le_bytes(self.array()?))
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_f64(f64::from_le_bytes(self.array()?))
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let mut characters = self.text()?.chars();
        match (characters.next(), characters.next()) {
            (Some(character), None) => visitor.visit_char(character),
            _ => Err(not_a("a character")),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_str(self.text()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let length = self.length()?;
        visitor.visit_borrowed_bytes(self.take(length)?)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.byte()? {
            0 => self.counted(size_of::<V::Value>(), |_| visitor.visit_none()),
            1 => self.inside(|reader| visitor.visit_some(reader)),
            _ => Err(not_a("a yes or no")),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.inside(|reader| visitor.visit_newtype_struct(reader))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let length = self.length()?;
        self.sequence(length, visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.sequence(length, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.sequence(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let left = self.length()?;
        self.inside(|reader| visitor.visit_map(Sequence { reader, left }))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.sequence(fields.len(), visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.inside(|reader| visitor.visit_enum(reader))
    }
}

/// Values one behind the other, of which so many are left.
struct Sequence<'a, 'de> {
    reader: &'a mut Reader<'de>,
    left: usize,
}

impl<'de> Sequence<'_, 'de> {
    #[inline]
    fn next<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        // A value of no size is a turn of a loop.
        let size = if size_of::<S::Value>() == 0 { MOST_A_BYTE } else { size_of::<S::Value>() };
        self.reader.counted(size, |reader| seed.deserialize(reader))
    }

    /// No more than there are bytes for.
    fn most(&self) -> usize {
        self.left.min(self.reader.left())
    }
}

impl<'de> SeqAccess<'de> for Sequence<'_, 'de> {
    type Error = Error;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        self.next(seed).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.most())
    }
}

impl<'de> MapAccess<'de> for Sequence<'_, 'de> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        self.next_element_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        self.next(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.most())
    }
}

impl<'de> EnumAccess<'de> for &mut Reader<'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Error> {
        // As many bits as the index has.
        let index = self.number(u32::BITS)? as u32;
        let index: U32Deserializer<Error> = index.into_deserializer();
        Ok((seed.deserialize(index)?, self))
    }
}

impl<'de> VariantAccess<'de> for &mut Reader<'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Error> {
        self.sequence(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.sequence(fields.len(), visitor)
    }
}

/// Reads a value, and says how many bytes are left over.
pub(super) fn read<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<(T, usize), Error> {
    let mut reader = Reader::new(bytes);
    let value = T::deserialize(&mut reader)?;
    Ok((value, reader.left()))
}
