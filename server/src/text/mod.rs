//! Text: lines of a stream, text from outside made harmless, credentials and secrets masked, words that were misspelt.

pub(crate) mod clean;
pub(crate) mod lines;
pub mod mask;
pub mod secrets;
pub mod spelling;
