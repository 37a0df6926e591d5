//! What the measurements share. Benchmarks and examples live beside `src`, one target each; [`quality`] measures how
//! good the reduction is, [`schemas`] how good the schemas are, [`worlds`] what the device report finds.

pub mod quality;
pub mod schemas;
pub mod worlds;
