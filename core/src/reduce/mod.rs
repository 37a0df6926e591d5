//! Bounded accumulators over a stream of messages: `record`, `merge`, an answer at any time.
