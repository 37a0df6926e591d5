//! Logarithmic buckets by integers alone: 20 an octave, so that the middle of a bucket is within 2 % (or one) of all in it.
//!
//! The logarithm within an octave is `(4f − f²) / 3`, the quadratic interpolation that DDSketch implementations use
//! (Masson, Rim, Lee, "DDSketch", 2019): it wastes 8 % of the buckets of a true one. Invariant: `low(of(v)) <= v`
//! and `v < low(of(v) + 1)`, for every `v`.

/// Buckets between a number and its double.
const PER_OCTAVE: u16 = 20;

/// The fractions of an octave, of 2^32, at which its buckets begin.
const BEGIN: [u32; PER_OCTAVE as usize] = begin();

/// Bucket of `value`: 0 for zero, then growing with it.
pub(super) fn of(value: u64) -> u16 {
    if value == 0 {
        return 0;
    }
    let zeros = value.leading_zeros();
    let fraction = (value << zeros) << 1 >> 32;
    let octave = u16::try_from(63 - zeros).unwrap_or(0);
    1 + octave * PER_OCTAVE + place(fraction)
}

/// The least value of a bucket or, if no whole number falls in it, of the next that has one.
pub(super) fn low(bucket: u16) -> u64 {
    let Some(place) = bucket.checked_sub(1) else {
        return 0;
    };
    let begin = BEGIN.get(usize::from(place % PER_OCTAVE)).copied();
    let whole = u128::from(1_u64 << 32 | u64::from(begin.unwrap_or(0)));
    let scaled = (whole << (place / PER_OCTAVE)).div_ceil(1 << 32);
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

/// The middle of a bucket.
pub(super) fn middle(bucket: u16) -> u64 {
    let (low, high) = (low(bucket), low(bucket.saturating_add(1)));
    low + high.saturating_sub(low) / 2
}

/// Bucket within an octave of the fraction `f` of 2^32.
const fn place(f: u64) -> u16 {
    let log = (4 * f - ((f * f) >> 32)) / 3;
    let [a, b, ..] = ((log * PER_OCTAVE as u64) >> 32).to_le_bytes();
    u16::from_le_bytes([a, b])
}

const fn begin() -> [u32; PER_OCTAVE as usize] {
    let mut table = [0; PER_OCTAVE as usize];
    let mut rest: &mut [u32] = &mut table;
    let mut bucket = 0;
    while let Some((first, behind)) = rest.split_first_mut() {
        // The least fraction of the bucket, bit by bit: the greatest that still lies before it, and one more.
        let (mut before, mut bit) = (0_u32, 1_u32 << 31);
        while bit > 0 && bucket > 0 {
            if place((before | bit) as u64) < bucket {
                before |= bit;
            }
            bit >>= 1;
        }
        *first = if bucket == 0 { 0 } else { before + 1 };
        bucket += 1;
        rest = behind;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::{low, middle, of};

    #[test]
    fn every_value_lies_in_its_bucket() {
        let mut value = 0_u64;
        while value < u64::MAX / 2 {
            for v in [
                value,
                value + value / 3,
                value.saturating_mul(2) - value / 5,
            ] {
                let bucket = of(v);
                assert!(low(bucket) <= v && v < low(bucket + 1), "{v} in {bucket}");
                assert!(
                    middle(bucket).abs_diff(v) <= v / 50 + 1,
                    "{v}: {}",
                    middle(bucket)
                );
            }
            value += value / 97 + 1;
        }
        assert_eq!((of(0), of(1), of(2), of(4)), (0, 1, 21, 41));
        assert!(low(of(u64::MAX)) > u64::MAX / 20 * 19);
    }

    #[test]
    fn buckets_grow() {
        for bucket in 0..of(u64::MAX) {
            assert!(low(bucket) <= low(bucket + 1), "{bucket}");
        }
        for v in 0..10_000 {
            assert!(of(v) <= of(v + 1), "{v}");
        }
    }
}
