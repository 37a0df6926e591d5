//! Text as bytes: lines of a stream.

pub(crate) mod lines;
