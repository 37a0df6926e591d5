//! Benchmarks live beside this file, one `[[bench]]` each.
