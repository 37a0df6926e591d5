//! UTF-8 Encoded Strings (1.5.4 in 5.0, 1.5.3 in 3.1.1), examined sixteen bytes at a time. Nearly all are plain
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

impl PartialEq<Utf8<'_>> for str {
    fn eq(&self, other: &Utf8<'_>) -> bool {
        other == self
    }
}

impl PartialEq<Utf8<'_>> for &str {
    fn eq(&self, other: &Utf8<'_>) -> bool {
        other == self
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
    all(bytes, |byte| matches!(byte, 1..=0x7f))
}

/// Whether all bytes are ASCII and none is U+0000, `+` or `#`.
#[inline(never)]
pub(crate) fn is_plain_name(bytes: &[u8]) -> bool {
    all(bytes, |byte| {
        matches!(byte, 1..=0x7f) & !matches!(byte, b'+' | b'#')
    })
}

/// Whether all bytes pass `test`, in pieces of a fixed size, which the compiler examines at once; the last piece
/// overlaps the one before it.
#[inline]
fn all(bytes: &[u8], test: impl Fn(u8) -> bool) -> bool {
    if let Some(last) = bytes.last_chunk::<16>() {
        let (pieces, rest) = bytes.as_chunks::<16>();
        return pieces.iter().all(|next| piece(next, &test))
            && (rest.is_empty() || piece(last, &test));
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        return piece(first, &test) & piece(last, &test);
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        return piece(first, &test) & piece(last, &test);
    }
    bytes.iter().all(|&byte| test(byte))
}

/// All of them, not left early.
#[inline(always)]
fn piece<const N: usize>(bytes: &[u8; N], test: impl Fn(u8) -> bool) -> bool {
    bytes.iter().fold(true, |all, &byte| all & test(byte))
}
