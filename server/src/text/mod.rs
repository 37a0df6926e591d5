//! Text as bytes and as what leaves: lines of a stream, credentials masked.

pub(crate) mod lines;
pub mod mask;
