//! How good the reduction is, measured on real payloads: what is kept of a stream ([`score`]) beside simple selectors
//! ([`selectors`]), and how often severity and format are judged as labelled ([`labels`]).
//!
//! One command prints all of it: `cargo run --release -p bitsperity-mqtt-benches --example quality`. What is in a
//! message is found with serde_json here, not with what is measured. Invariant: the same figures on every run.

pub mod data;
pub mod labels;
pub mod score;
pub mod selectors;
pub mod streams;

#[cfg(test)]
mod tests;
