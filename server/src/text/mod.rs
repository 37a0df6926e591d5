//! Text as bytes and as what leaves: lines of a stream, credentials and secrets masked.

pub(crate) mod lines;
pub mod mask;
pub mod secrets;
