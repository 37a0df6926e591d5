//! Writing into a slice of exactly the length that was found before: the check is the write, as with reading, and what
//! does not fit is left out.

use core::mem;

/// The bytes not written yet.
pub(crate) struct Writer<'o> {
    rest: &'o mut [u8],
}

impl<'o> Writer<'o> {
    #[inline]
    pub(crate) const fn new(out: &'o mut [u8]) -> Self {
        Self { rest: out }
    }

    /// Whether all was written.
    #[inline]
    pub(crate) const fn is_full(&self) -> bool {
        self.rest.is_empty()
    }

    #[inline]
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        if let Some((front, rest)) = mem::take(&mut self.rest).split_at_mut_checked(bytes.len()) {
            front.copy_from_slice(bytes);
            self.rest = rest;
        }
    }

    /// So many bytes with one check.
    #[inline]
    pub(crate) fn array<const N: usize>(&mut self, bytes: [u8; N]) {
        if let Some((front, rest)) = mem::take(&mut self.rest).split_first_chunk_mut() {
            *front = bytes;
            self.rest = rest;
        }
    }

    #[inline]
    pub(crate) fn u8(&mut self, value: u8) {
        self.array([value]);
    }

    #[inline]
    pub(crate) fn u16(&mut self, value: u16) {
        self.array(value.to_be_bytes());
    }

    /// The next so many bytes, to be written by somebody else.
    #[inline]
    pub(crate) fn part(&mut self, length: usize) -> &'o mut [u8] {
        match mem::take(&mut self.rest).split_at_mut_checked(length) {
            Some((front, rest)) => {
                self.rest = rest;
                front
            }
            None => &mut [],
        }
    }

    /// First byte and Remaining Length; `length` is at most [`crate::limits::MAX_REMAINING_LENGTH`].
    #[inline]
    pub(crate) fn fixed_header(&mut self, first: u8, length: u32) {
        let [low, ..] = length.to_le_bytes();
        match length {
            0..=0x7f => self.array([first, low]),
            0x80..=0x3fff => {
                let [_, high, ..] = (length << 1).to_le_bytes();
                self.array([first, low | 0x80, high]);
            }
            _ => {
                self.u8(first);
                self.varint(length);
            }
        }
    }

    /// Variable Byte Integer; `value` is at most [`crate::limits::MAX_REMAINING_LENGTH`].
    #[inline]
    pub(crate) fn varint(&mut self, mut value: u32) {
        loop {
            let [low, ..] = value.to_le_bytes();
            value >>= 7;
            if value == 0 {
                return self.u8(low & 0x7f);
            }
            self.u8(low | 0x80);
        }
    }

    /// Binary Data or a UTF-8 Encoded String, of at most [`crate::limits::MAX_STRING`] bytes: checked before.
    #[inline]
    pub(crate) fn binary(&mut self, bytes: &[u8]) {
        self.u16(u16::try_from(bytes.len()).unwrap_or(u16::MAX));
        self.bytes(bytes);
    }

    /// As [`Writer::binary`], after one byte.
    #[inline]
    pub(crate) fn tagged_binary(&mut self, tag: u8, bytes: &[u8]) {
        let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
        let [high, low] = length.to_be_bytes();
        self.array([tag, high, low]);
        self.bytes(bytes);
    }
}
