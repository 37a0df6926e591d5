//! Reading: what is returned was there and is well formed; what is left is what was not read.

use super::varint::{self, Varint};
use super::{Fault, is_plain};

/// The bytes not read yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    #[inline]
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    #[inline]
    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Whether all was read.
    #[inline]
    pub(crate) const fn finish(self) -> Result<(), Fault> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(Fault::Trailing)
        }
    }

    /// All that is left.
    #[inline]
    pub(crate) const fn rest(self) -> &'a [u8] {
        self.rest
    }

    #[inline]
    pub(crate) fn u8(&mut self) -> Result<u8, Fault> {
        let (&byte, rest) = self.rest.split_first().ok_or(Fault::Truncated)?;
        self.rest = rest;
        Ok(byte)
    }

    #[inline]
    pub(crate) fn u16(&mut self) -> Result<u16, Fault> {
        let (&bytes, rest) = self.rest.split_first_chunk().ok_or(Fault::Truncated)?;
        self.rest = rest;
        Ok(u16::from_be_bytes(bytes))
    }

    #[inline]
    pub(crate) fn u32(&mut self) -> Result<u32, Fault> {
        let (&bytes, rest) = self.rest.split_first_chunk().ok_or(Fault::Truncated)?;
        self.rest = rest;
        Ok(u32::from_be_bytes(bytes))
    }

    /// Variable Byte Integer.
    #[inline]
    pub(crate) fn varint(&mut self) -> Result<u32, Fault> {
        match varint::read(self.rest) {
            Varint::Whole { value, length } => {
                self.take(length)?;
                Ok(value)
            }
            Varint::Partial => Err(Fault::Truncated),
            Varint::Malformed => Err(Fault::Varint),
        }
    }

    #[inline]
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Fault::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    /// Binary Data: two bytes of length and so many bytes.
    #[inline]
    pub(crate) fn binary(&mut self) -> Result<&'a [u8], Fault> {
        let length = self.u16()?;
        self.take(usize::from(length))
    }

    /// The bytes of a UTF-8 Encoded String without U+0000.
    #[inline]
    pub(crate) fn string_bytes(&mut self) -> Result<&'a [u8], Fault> {
        let bytes = self.binary()?;
        if !is_plain(bytes) {
            text(bytes)?;
        }
        Ok(bytes)
    }

    /// UTF-8 Encoded String that may hold U+0000: for topics, whose own check looks for it.
    #[inline]
    pub(crate) fn utf8(&mut self) -> Result<&'a str, Fault> {
        core::str::from_utf8(self.binary()?).map_err(|_| Fault::Utf8)
    }

    /// UTF-8 Encoded String, without U+0000.
    #[inline]
    pub(crate) fn string(&mut self) -> Result<&'a str, Fault> {
        text(self.binary()?)
    }
}

fn text(bytes: &[u8]) -> Result<&str, Fault> {
    let text = core::str::from_utf8(bytes).map_err(|_| Fault::Utf8)?;
    if bytes.contains(&0) {
        return Err(Fault::Nul);
    }
    Ok(text)
}
