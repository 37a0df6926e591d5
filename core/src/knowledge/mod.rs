//! What is known of the world, each fact once: words and what they mean, marks of quality, ways to say that there is no
//! reading, flags of batteries, times, addresses.
//!
//! Elsewhere: what follows of it for one message (`payload`), for a device over time (`reduce::health`). Invariant:
//! nothing here keeps anything; equal questions get equal answers.

pub(crate) mod address;
pub(crate) mod battery;
pub(crate) mod nothing;
pub(crate) mod quality;
pub(crate) mod time;
pub(crate) mod words;
