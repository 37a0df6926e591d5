//! UTF-8 Encoded Strings (1.5.4 in 5.0, 1.5.3 in 3.1.1), examined eight bytes at a time. Nearly all are plain
//! ASCII, which one pass tells; only the others are left to `core::str::from_utf8`. U+0000, `+` and `#` are
//! single bytes that never stand inside another character, so bytes tell all.

use super::Fault;
use core::fmt;

/// A UTF-8 Encoded String, borrowed. What decodes was found well formed on its bytes, and only
/// [`Utf8::as_str`] pays for making it a `str`. Made from a `&str` by [`Utf8::new`] or `into()`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Utf8<'a> {
    /// Always UTF-8.
    bytes: &'a [u8],
}

impl<'a> Utf8<'a> {
    /// The same text.
    #[inline]
    pub const fn new(text: &'a str) -> Self {
        Self {
            bytes: text.as_bytes(),
        }
    }

    /// Bytes that may hold U+0000: for topics, whose own check looks for it.
    #[inline]
    pub(crate) fn check(bytes: &'a [u8]) -> Result<Self, Fault> {
        if is_plain(bytes) || core::str::from_utf8(bytes).is_ok() {
            Ok(Self { bytes })
        } else {
            Err(Fault::Utf8)
        }
    }

    /// Bytes of a plain Topic Name: what [`is_plain_name`] tells, and not empty.
    #[inline]
    pub(crate) fn plain_name(bytes: &'a [u8]) -> Option<Self> {
        (!bytes.is_empty() && is_plain_name(bytes)).then_some(Self { bytes })
    }

    /// Its bytes.
    #[inline]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// As a `str`; examines the bytes once more.
    #[inline]
    pub fn as_str(self) -> &'a str {
        core::str::from_utf8(self.bytes).unwrap_or_default()
    }

    /// How many bytes it has.
    #[inline]
    pub const fn len(self) -> usize {
        self.bytes.len()
    }

    /// Whether it has none.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.bytes.is_empty()
    }
}

impl<'a> From<&'a str> for Utf8<'a> {
    #[inline]
    fn from(text: &'a str) -> Self {
        Self::new(text)
    }
}

impl PartialEq<str> for Utf8<'_> {
    fn eq(&self, other: &str) -> bool {
        self.bytes == other.as_bytes()
    }
}

impl PartialEq<&str> for Utf8<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.bytes == other.as_bytes()
    }
}

impl fmt::Debug for Utf8<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Utf8<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}

/// Whether all bytes are ASCII and none is U+0000.
#[inline(never)]
pub(crate) fn is_plain(bytes: &[u8]) -> bool {
    every_word(bytes, ascii_but_nul)
}

/// Whether all bytes are ASCII and none is U+0000, `+` or `#`.
#[inline]
pub(crate) fn is_plain_name(bytes: &[u8]) -> bool {
    every_word(bytes, |word| {
        // `+` and `#` differ in one bit: without it, they are the bytes that become zero.
        ascii_but_nul(word) & ((word & EITHER) ^ HASH).wrapping_add(LOW)
    })
}

const LOW: u64 = u64::from_ne_bytes([0x7f; 8]);
const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
const HASH: u64 = u64::from_ne_bytes([b'#'; 8]);
const EITHER: u64 = u64::from_ne_bytes([!(b'+' ^ b'#'); 8]);

/// The high bit of each byte from 1 to 127. Adding 127 sets it in those and in no 0; a byte above, whose sum
/// could disturb the next, fails by itself.
#[inline]
const fn ascii_but_nul(word: u64) -> u64 {
    word.wrapping_add(LOW) & !word
}

/// Whether `test` sets the high bit of every byte. The last word overlaps the one before it, and no loop is left
/// early: strings are short.
#[inline]
fn every_word(bytes: &[u8], test: impl Fn(u64) -> u64) -> bool {
    let (words, _) = bytes.as_chunks::<8>();
    let last = match bytes.last_chunk::<8>() {
        Some(&last) => u64::from_le_bytes(last),
        None => short_word(bytes),
    };
    let all = words.iter().fold(test(last), |all, &word| {
        all & test(u64::from_le_bytes(word))
    });
    all & HIGH == HIGH
}

/// Under eight bytes as a word; what is left of it is filled with some of them, or with a letter.
#[inline]
fn short_word(bytes: &[u8]) -> u64 {
    match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (Some(&front), Some(&back)) => {
            u64::from(u32::from_le_bytes(front)) << 32 | u64::from(u32::from_le_bytes(back))
        }
        _ => bytes
            .iter()
            .fold(u64::from_ne_bytes([b'x'; 8]), |word, &byte| {
                word << 8 | u64::from(byte)
            }),
    }
}
