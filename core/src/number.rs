//! The one door for numbers that somebody else chose: text becomes a finite number or nothing, and what is computed of
//! such numbers stays finite. `f64::clamp` panics where a bound is NaN or the bounds are exchanged, so it is used nowhere
//! else in this crate (a test reads the sources).
//!
//! Invariant: what comes out of here is never NaN and never infinite.

/// A number within what an `f64` holds: none for `nan`, `inf`, `1e999` and what is no number.
#[inline]
pub(crate) fn parse(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// `number`, or the bound it is beyond. NaN becomes `least`, as does everything where the bounds are exchanged or NaN.
#[inline]
pub(crate) fn limit(number: f64, least: f64, most: f64) -> f64 {
    if number > least && number < most {
        number
    } else if number >= most && most >= least {
        most
    } else {
        least
    }
}

/// The low half of `x`.
pub(crate) const fn low(x: u128) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = x.to_le_bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// Half of the largest magnitude: the difference of any two numbers within it is finite.
const LARGEST: f64 = f64::MAX / 4.0;

/// A finite number near `number` whose differences and sums with others of this kind are finite: only numbers beyond
/// 4.4e307, which no device measures, are changed.
#[inline]
pub(crate) fn tame(number: f64) -> f64 {
    if number.is_nan() {
        0.0
    } else {
        limit(number, -LARGEST, LARGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_finite_numbers_come_in() {
        assert_eq!(parse("2.5"), Some(2.5));
        assert_eq!(parse("+7"), Some(7.0));
        for text in [
            "+1e999",
            "-1e400",
            "inf",
            "nan",
            "NaN",
            "-infinity",
            "",
            "x",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn limits_hold_whatever_the_bounds_are() {
        assert_eq!(limit(5.0, 0.0, 1.0), 1.0);
        assert_eq!(limit(-5.0, 0.0, 1.0), 0.0);
        assert_eq!(limit(0.5, 0.0, 1.0), 0.5);
        assert_eq!(limit(f64::NAN, 0.0, 1.0), 0.0);
        assert_eq!(limit(0.5, 1.0, 0.0), 1.0);
        let _ = limit(0.5, f64::NAN, f64::NAN);
    }

    #[test]
    fn differences_of_tame_numbers_are_finite() {
        for number in [
            f64::MAX,
            f64::MIN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NAN,
        ] {
            for other in [f64::MAX, f64::MIN, 1.0] {
                assert!((tame(number) - tame(other)).is_finite());
            }
        }
        assert_eq!(tame(-1e300), -1e300);
    }
}
