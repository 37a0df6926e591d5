//! Writing: counts every byte, and writes those that fit. Over an empty slice it only counts, so one piece
//! of code tells a packet's length and writes it.

use core::mem;

/// Where the next byte goes.
pub(crate) struct Writer<'o> {
    out: &'o mut [u8],
    needed: usize,
}

impl<'o> Writer<'o> {
    #[inline]
    pub(crate) const fn new(out: &'o mut [u8]) -> Self {
        Self { out, needed: 0 }
    }

    /// Counts, writes nothing.
    #[inline]
    pub(crate) const fn counting() -> Self {
        Self {
            out: &mut [],
            needed: 0,
        }
    }

    /// Bytes that were asked for, whether they fitted or not.
    #[inline]
    pub(crate) const fn needed(&self) -> usize {
        self.needed
    }

    #[inline]
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.needed = self.needed.saturating_add(bytes.len());
        if let Some((front, rest)) = mem::take(&mut self.out).split_at_mut_checked(bytes.len()) {
            front.copy_from_slice(bytes);
            self.out = rest;
        }
    }

    #[inline]
    pub(crate) fn u8(&mut self, value: u8) {
        self.bytes(&[value]);
    }

    #[inline]
    pub(crate) fn u16(&mut self, value: u16) {
        self.bytes(&value.to_be_bytes());
    }

    #[inline]
    pub(crate) fn u32(&mut self, value: u32) {
        self.bytes(&value.to_be_bytes());
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
}
