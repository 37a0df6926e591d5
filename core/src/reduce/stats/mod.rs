//! Numbers about streams of messages: rates, intervals, gaps, sizes, latency, trend.
//!
//! [`Rhythm`] is what one topic teaches of its intervals; `scale` and `bins` are how distributions are kept.

mod bins;
mod rhythm;
mod scale;

pub use rhythm::{Gap, Rhythm, TAUGHT};

/// Square root by Newton's method; zero of what is not positive.
fn sqrt(x: f64) -> f64 {
    if x <= 0.0 || !x.is_finite() {
        return 0.0;
    }
    // Half the exponent is within a factor of two.
    let mut root = f64::from_bits((x.to_bits() >> 1) + (1_023 << 51));
    for _ in 0..5 {
        root = 0.5 * (root + x / root);
    }
    root
}

/// To the nearest whole number; zero of what is negative or none.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // `as` saturates, which is what is wanted
fn whole(x: f64) -> u64 {
    (x + 0.5) as u64
}

#[cfg(test)]
mod tests {
    use super::{sqrt, whole};

    #[test]
    fn roots() {
        for x in [1e-300, 1e-9, 0.25, 1.0, 2.0, 3.0, 1e6, 123_456.789, 1e300] {
            let root = sqrt(x);
            assert!((root * root / x - 1.0).abs() < 1e-12, "{x}: {root}");
        }
        assert_eq!((sqrt(0.0), sqrt(-1.0), sqrt(f64::NAN)), (0.0, 0.0, 0.0));
        assert_eq!((whole(1.5), whole(-3.0), whole(1e300)), (2, 0, u64::MAX));
    }
}
