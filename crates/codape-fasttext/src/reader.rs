//! Reading fields from bytes that may lie.

use crate::FormatError;

/// A place in the bytes of a model. Every read names the field it is for.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    /// Bytes before the next field.
    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    /// The bytes that are left.
    pub(crate) fn remaining(&self) -> &'a [u8] {
        &self.bytes[self.offset..]
    }

    /// The next `count` bytes.
    pub(crate) fn take(
        &mut self,
        field: &'static str,
        count: u64,
    ) -> Result<&'a [u8], FormatError> {
        let remaining = self.remaining();
        match usize::try_from(count) {
            Ok(count) if count <= remaining.len() => {
                self.offset += count;
                Ok(&remaining[..count])
            }
            _ => Err(FormatError::Truncated {
                field,
                offset: self.offset,
                needed: count,
                available: remaining.len() as u64,
            }),
        }
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], FormatError> {
        let bytes = self.take(field, N as u64)?;
        Ok(*bytes.first_chunk().expect("as many bytes as were taken"))
    }

    pub(crate) fn u8(&mut self, field: &'static str) -> Result<u8, FormatError> {
        self.array(field).map(|[byte]| byte)
    }

    pub(crate) fn i32(&mut self, field: &'static str) -> Result<i32, FormatError> {
        self.array(field).map(i32::from_le_bytes)
    }

    pub(crate) fn i64(&mut self, field: &'static str) -> Result<i64, FormatError> {
        self.array(field).map(i64::from_le_bytes)
    }

    pub(crate) fn f64(&mut self, field: &'static str) -> Result<f64, FormatError> {
        self.array(field).map(f64::from_le_bytes)
    }

    /// A byte that is 0 or 1.
    pub(crate) fn bool(&mut self, field: &'static str) -> Result<bool, FormatError> {
        let offset = self.offset;
        match self.u8(field)? {
            0 => Ok(false),
            1 => Ok(true),
            found => Err(inconsistent(field, offset, found, "0 or 1")),
        }
    }

    /// An `i32` in `range`, which is told as `expected`.
    pub(crate) fn i32_in(
        &mut self,
        field: &'static str,
        range: std::ops::RangeInclusive<i32>,
    ) -> Result<i32, FormatError> {
        let offset = self.offset;
        let found = self.i32(field)?;
        if range.contains(&found) {
            Ok(found)
        } else {
            let expected = match (range.start(), range.end()) {
                (0, &i32::MAX) => "no negative number".to_owned(),
                (start, &i32::MAX) => format!("at least {start}"),
                (start, end) => format!("{start} to {end}"),
            };
            Err(inconsistent(field, offset, found, expected))
        }
    }

    /// An `i64` that must equal `expected`.
    pub(crate) fn i64_equal(
        &mut self,
        field: &'static str,
        expected: u64,
    ) -> Result<(), FormatError> {
        let offset = self.offset;
        let found = self.i64(field)?;
        if u64::try_from(found) == Ok(expected) {
            Ok(())
        } else {
            Err(inconsistent(field, offset, found, expected))
        }
    }

    /// `count` finite numbers of 32 bits.
    pub(crate) fn finite_f32s(
        &mut self,
        field: &'static str,
        count: u64,
    ) -> Result<Vec<f32>, FormatError> {
        let offset = self.offset;
        let bytes = self.take(field, count.saturating_mul(4))?;
        all_finite(field, bytes, offset)?;
        Ok(f32s(bytes).collect())
    }
}

/// Refuses numbers that are not finite, in bytes that start at `offset`.
pub(crate) fn all_finite(
    field: &'static str,
    bytes: &[u8],
    offset: usize,
) -> Result<(), FormatError> {
    match f32s(bytes)
        .enumerate()
        .find(|(_, value)| !value.is_finite())
    {
        None => Ok(()),
        Some((i, value)) => Err(inconsistent(
            field,
            offset + 4 * i,
            value,
            "a finite number",
        )),
    }
}

/// The numbers that little-endian bytes hold.
pub(crate) fn f32s(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
}

/// The error of a field that contradicts the format or another field.
pub(crate) fn inconsistent(
    field: &'static str,
    offset: usize,
    found: impl ToString,
    expected: impl ToString,
) -> FormatError {
    FormatError::Inconsistent {
        field,
        offset,
        found: found.to_string(),
        expected: expected.to_string(),
    }
}
