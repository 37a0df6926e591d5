//! What is claimed of values, each with evidence of its own: an enumeration, a format, a range. With few samples it is
//! left out rather than claimed too early; a range to validate by has room for what comes next.

use super::node::*;
use super::row::*;
use super::store::View;
use super::text;
use crate::number::limit;

/// Words that come in pairs: where one is seen, the other is to be expected.
const PAIRS: [(&str, &str); 16] = [
    ("on", "off"),
    ("open", "closed"),
    ("opening", "closing"),
    ("online", "offline"),
    ("true", "false"),
    ("yes", "no"),
    ("locked", "unlocked"),
    ("lock", "unlock"),
    ("home", "not_home"),
    ("active", "inactive"),
    ("enabled", "disabled"),
    ("enable", "disable"),
    ("connected", "disconnected"),
    ("up", "down"),
    ("charging", "discharging"),
    ("detected", "clear"),
];

/// The other word of a pair, in small letters, and whether the first is one.
pub(super) fn opposite(word: &str) -> Option<&'static str> {
    PAIRS.iter().find_map(|&(a, b)| {
        if word.eq_ignore_ascii_case(a) {
            Some(b)
        } else if word.eq_ignore_ascii_case(b) {
            Some(a)
        } else {
            None
        }
    })
}

/// The strings of a node that came in some rows of the object around it.
pub(super) fn values<'v>(
    view: View<'v>,
    node: &Node,
    rows: RowSet,
) -> impl Iterator<Item = &'v Value> + Clone {
    let mut id = node.values;
    let mut left = u32::from(VALUES) + 1;
    let next = move || {
        let value = view.values.get(id as usize).filter(|_| left > 0)?;
        (id, left) = (value.next, left - 1);
        Some(value)
    };
    Iter { next }.filter(move |value| value.rows & rows != 0)
}

#[derive(Clone)]
struct Iter<F> {
    next: F,
}

impl<'v, F: FnMut() -> Option<&'v Value>> Iterator for Iter<F> {
    type Item = &'v Value;

    fn next(&mut self) -> Option<&'v Value> {
        (self.next)()
    }
}

/// Whether the strings that came are all there are: not if they are times, and not while new ones come (the clocks of
/// many that report in the same second repeat each time, and yet none comes again).
pub(super) fn is_enumeration(view: View<'_>, node: &Node, rows: RowSet) -> bool {
    let times = node.strings.most > 0 && node.strings.formats & text::TIMES != 0;
    let since = node.count(Kind::String).saturating_sub(node.settled);
    // A quarter: states that come at all come early, what counts brings a new value at least once a round of those
    // that share it.
    if node.is(MANY) || times || since < node.count(Kind::String) / 4 {
        return false;
    }
    let (mut distinct, mut count, mut once) = (0u32, 0u32, 0u32);
    for value in values(view, node, rows) {
        distinct += 1;
        count = count.saturating_add(value.count);
        once += u32::from(value.count == 1);
    }
    let least = if distinct == 1 { 12 } else { 16 };
    count >= least && count >= distinct.saturating_mul(4) && once.saturating_mul(50) <= count
}

/// Whether of a pair of words only one came: the other is to be expected.
pub(super) fn is_half(view: View<'_>, node: &Node, rows: RowSet) -> bool {
    let mut values = values(view, node, rows);
    let all = values.clone();
    values.any(|value| {
        let other = opposite(value.text());
        other.is_some_and(|other| !all.clone().any(|it| it.text().eq_ignore_ascii_case(other)))
    })
}

/// The least and the most that came; none of one number, and none beyond the whole numbers that a float holds exactly.
pub(super) fn observed(node: &Node) -> Option<(f64, f64)> {
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    let (min, max) = (node.min, node.max);
    (node.typed(Type::Number) > 1 && max.max(-min) < WHOLE).then_some((min, max))
}

/// Enough numbers to say something of the next one, and none is an identifier, as whole numbers of eight digits are.
fn is_amount(node: &Node) -> bool {
    const IDENTIFIER: f64 = 1e7;
    let whole = node.count(Kind::Fraction) == 0;
    let identifier = whole && node.max.max(-node.min) >= IDENTIFIER;
    node.typed(Type::Number) >= 10 && !identifier
}

fn grows(node: &Node) -> bool {
    node.ups >= 8 && node.ups >= node.downs.saturating_mul(20)
}

/// Whether numbers are of something that is measured: no counter, which goes on.
pub(super) fn is_measured(node: &Node) -> bool {
    is_amount(node) && !grows(node)
}

/// Whether numbers are of something that is counted.
pub(super) fn is_counter(node: &Node) -> bool {
    is_amount(node) && grows(node)
}

/// The format that is claimed: all strings are of it, and there are enough for one of its kind.
pub(super) fn format(node: &Node) -> Option<&'static text::TextFormat> {
    let strings = &node.strings;
    if strings.most == 0 {
        return None;
    }
    let bit = strings.formats.trailing_zeros();
    let format = text::FORMATS.get(bit as usize)?;
    let least = if bit < text::STRONG { 1 } else { 5 };
    (node.count(Kind::String) >= least).then_some(format)
}

/// A range with room on both sides; none with too few numbers, or beyond what is worth a limit.
pub(super) fn range(node: &Node) -> Option<(f64, f64)> {
    let count = node.typed(Type::Number);
    let (min, max) = (node.min, node.max);
    if count < 10 || !(min.is_finite() && max.is_finite()) || max.max(-min) > 1e18 {
        return None;
    }
    if let Some(unit) = epoch(min, max).filter(|unit| is_clock(node, *unit)) {
        return Some((946_684_800.0 * unit, 4_102_444_800.0 * unit));
    }
    let span = max - min;
    let largest = max.max(-min);
    // A short sample is mostly of one hour, one load, one weather: it is wide until it is long.
    let factor = limit(200.0 / f64::from(count), 0.5, 10.0);
    let mut margin = (span * factor).max(largest * 0.25);
    if span == 0.0 {
        margin = margin.max(largest).max(1.0);
    }
    let whole = node.count(Kind::Fraction) == 0;
    if whole {
        margin = margin.max(10.0);
    }
    let low = if min >= 0.0 && (min - margin < 0.0) && (whole || count >= 50) {
        0.0
    } else {
        min - margin
    };
    // A counter goes on.
    let counts = node.ups >= 20 && node.ups >= node.downs.saturating_mul(20);
    let high = if counts {
        max + margin.max(max * 9.0)
    } else {
        max + margin
    };
    Some((outward(low, false), outward(high, true)))
}

/// Seconds, milliseconds, microseconds or nanoseconds since 1970, if all numbers are times of this century.
fn epoch(min: f64, max: f64) -> Option<f64> {
    let times = [1.0, 1e3, 1e6, 1e9];
    times
        .into_iter()
        .find(|unit| min >= 1_000_000_000.0 * unit && max <= 4_102_444_800.0 * unit)
}

/// Whether times in a unit of seconds grow as the clock does. Identifiers and counters may be as large. Where nobody
/// knows when they came, it is enough that they grow.
fn is_clock(node: &Node, unit: f64) -> bool {
    let [(from, first), (until, last)] = node.clock;
    let elapsed = until.saturating_sub(from) as f64 / 1e6;
    let grown = (last - first) / unit;
    if elapsed == 0.0 {
        return node.ups > 0 && node.downs.saturating_mul(10) <= node.ups;
    }
    // Half and double: reports of short samples are late by as much. Below two seconds a second's step may be all.
    elapsed >= 2.0 && grown >= elapsed * 0.5 - 1.0 && grown <= elapsed * 2.0 + 1.0 && grown > 0.0
}

/// To two digits, away from zero or towards it, so that the range grows.
fn outward(value: f64, up: bool) -> f64 {
    if value == 0.0 {
        return 0.0;
    }
    let size = if value < 0.0 { -value } else { value };
    // Powers of ten up to 1e22 are exact, so that one operation rounds once.
    let (mut unit, mut inverse) = (1.0, 1.0);
    while size >= unit * 100.0 && unit < 1e22 {
        unit *= 10.0;
    }
    while size * inverse < 10.0 && inverse < 1e22 {
        inverse *= 10.0;
    }
    let digits = size / unit * inverse;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // below 101
    let floor = f64::from(digits as u32);
    let more = (value > 0.0) == up && digits > floor;
    let digits = floor + f64::from(u8::from(more));
    let size = if inverse > 1.0 {
        digits / inverse
    } else {
        digits * unit
    };
    if value < 0.0 { -size } else { size }
}

/// A type so rare that it is taken for an outlier rather than a part of the schema.
pub(super) fn is_outlier(node: &Node, of: Type) -> bool {
    let (count, total) = (node.typed(of), node.total());
    count > 0 && total >= 200 && u64::from(count) * 200 <= u64::from(total)
}
