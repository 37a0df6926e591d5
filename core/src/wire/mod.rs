//! The only code that touches a byte slice of the wire: a [`Reader`] whose check is the read, a [`Writer`]
//! whose check is the write, UTF-8 Encoded Strings and the Variable Byte Integer (1.5.5 in 5.0, 2.2.3 in 3.1.1).

mod reader;
mod utf8;
pub(crate) mod varint;
mod writer;

pub(crate) use reader::Reader;
pub use utf8::Utf8;
pub(crate) use utf8::{is_plain, is_plain_name};
pub(crate) use writer::Writer;

/// What a read found wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// The field ends after the bytes do.
    Truncated,
    /// Bytes follow the last field.
    Trailing,
    /// A Variable Byte Integer of more than four bytes, or of more than it needs.
    Varint,
    /// Not UTF-8; surrogates are not UTF-8 either.
    Utf8,
    /// A string with U+0000.
    Nul,
}
