//! Text: lines of a stream, text from outside made harmless, credentials masked, words that were misspelt.

pub(crate) mod clean;
pub(crate) mod lines;
pub mod mask;
pub mod spelling;
