//! Topic Names and Topic Filters (section 4.7): validation and matching, `$`-topics, `$share`.

use crate::limits::MAX_STRING;
use crate::wire::is_plain_name;
use core::fmt;

/// Whether `name` is a valid Topic Name: 1 to 65,535 bytes `[MQTT-4.7.3-1]` `[MQTT-4.7.3-3]`, no U+0000
/// `[MQTT-4.7.3-2]`, no wildcard `[MQTT-4.7.1-1]` v3.1.1, `[MQTT-4.7.0-1]` v5.
///
/// # Errors
/// What is wrong and where.
#[inline]
pub fn validate_name(name: &str) -> Result<(), TopicError> {
    check_name(name.as_bytes())
}

/// As [`validate_name`], for the bytes of a string.
#[inline]
pub(crate) fn check_name(bytes: &[u8]) -> Result<(), TopicError> {
    if bytes.is_empty() {
        return Err(TopicError::Empty);
    }
    if bytes.len() > MAX_STRING {
        return Err(TopicError::TooLong);
    }
    if is_plain_name(bytes) {
        return Ok(());
    }
    first_special(bytes).map_or(Ok(()), Err)
}

/// Whether `filter` is a valid Topic Filter, shared subscriptions (`$share/group/filter`, 4.8.2) included.
///
/// # Errors
/// What is wrong and where.
pub fn validate_filter(filter: &str) -> Result<(), TopicError> {
    if let Some(shared) = filter.strip_prefix(SHARE) {
        let (group, rest) = shared.split_once('/').ok_or(TopicError::Share)?;
        if group.is_empty() || group.contains(['+', '#']) || rest.is_empty() {
            return Err(TopicError::Share); // [MQTT-4.8.2-1] [MQTT-4.8.2-2] v5
        }
    }
    validate_levels(filter)
}

/// As [`validate_filter`], for 3.1.1, in which `$share` is a level as any other.
pub(crate) fn validate_levels(filter: &str) -> Result<(), TopicError> {
    let bytes = filter.as_bytes();
    if bytes.is_empty() {
        return Err(TopicError::Empty);
    }
    if bytes.len() > MAX_STRING {
        return Err(TopicError::TooLong);
    }
    if is_plain_name(bytes) {
        return Ok(());
    }
    let mut previous = b'/';
    let mut following = bytes.iter().skip(1);
    for (&byte, at) in bytes.iter().zip(0..) {
        let next = following.next();
        match byte {
            0 => return Err(TopicError::Nul(at)),
            b'#' if previous != b'/' || next.is_some() => return Err(TopicError::MultiLevel(at)),
            b'+' if previous != b'/' || next.is_some_and(|&next| next != b'/') => {
                return Err(TopicError::SingleLevel(at));
            }
            _ => previous = byte,
        }
    }
    Ok(())
}

/// Whether `filter` begins a shared subscription.
#[inline]
pub fn is_shared(filter: &str) -> bool {
    filter.starts_with(SHARE)
}

/// Whether `filter` holds a wildcard.
pub fn has_wildcard(filter: &str) -> bool {
    filter.bytes().any(|byte| byte == b'+' || byte == b'#')
}

/// Whether the Topic Name `name` matches `filter` (both valid). A leading wildcard does not match a topic
/// that begins with `$` `[MQTT-4.7.2-1]`; of a shared subscription the part after the group matches.
#[inline]
pub fn matches(filter: &str, name: &str) -> bool {
    matches_bytes(filter.as_bytes(), name.as_bytes())
}

/// As [`matches`], for the bytes of strings.
pub(crate) fn matches_bytes(wanted: &[u8], given: &[u8]) -> bool {
    if let ([b'$', ..], _) | (_, [b'$', ..]) = (wanted, given) {
        return matches_dollar(wanted, given);
    }
    match after_common(wanted, given) {
        Ok(matches) => matches,
        Err((wanted, given)) => matches_levels(wanted, given),
    }
}

/// As [`matches`], where filter or name begins with `$`.
#[cold]
fn matches_dollar(filter: &[u8], given: &[u8]) -> bool {
    let wanted = without_share(filter);
    let hidden = given.starts_with(b"$") && wanted.starts_with(b"+") | wanted.starts_with(b"#");
    !hidden && matches_levels(wanted, given)
}

/// As [`matches`], from where a level of both begins.
#[inline(never)]
fn matches_levels(wanted: &[u8], given: &[u8]) -> bool {
    let (mut wanted, mut given) = (wanted, given);
    loop {
        if let [b'+', rest @ ..] = wanted {
            match (rest, after_level(given)) {
                ([_, wanted_rest @ ..], [_, given_rest @ ..]) => {
                    (wanted, given) = (wanted_rest, given_rest);
                }
                (rest, []) => return matches!(rest, [] | b"/#"), // a level and all below it (4.7.1.2)
                _ => return false,
            }
        } else {
            match after_common(wanted, given) {
                Ok(matches) => return matches,
                Err(next) => (wanted, given) = next,
            }
        }
    }
}

/// Whether `given` matches `wanted`, if there is no `+` in as much as they begin with alike; else what is left of both
/// from there. A name holds no wildcard, so that never goes past one.
#[inline(always)]
fn after_common<'a, 'b>(wanted: &'a [u8], given: &'b [u8]) -> Result<bool, (&'a [u8], &'b [u8])> {
    let (mut wanted, mut given) = (wanted, given);
    while let Some(want) = wanted.first_chunk::<WORD>() {
        let Some(give) = given.first_chunk() else {
            break;
        };
        let differing = u64::from_le_bytes(*want) ^ u64::from_le_bytes(*give);
        if differing != 0 {
            let same = (differing.trailing_zeros() / 8) as usize & (WORD - 1);
            return at_difference(
                wanted.get(same..).unwrap_or_default(),
                given.get(same..).unwrap_or_default(),
            );
        }
        wanted = wanted.get(WORD..).unwrap_or_default();
        given = given.get(WORD..).unwrap_or_default();
    }
    let mut same = 0;
    while let Some(want) = wanted.get(same)
        && given.get(same) == Some(want)
    {
        same += 1;
    }
    at_difference(
        wanted.get(same..).unwrap_or_default(),
        given.get(same..).unwrap_or_default(),
    )
}

#[inline(always)]
fn at_difference<'a, 'b>(wanted: &'a [u8], given: &'b [u8]) -> Result<bool, (&'a [u8], &'b [u8])> {
    match wanted {
        [] => Ok(given.is_empty()),
        [b'#', ..] => Ok(true),
        [b'+', ..] => Err((wanted, given)),
        [b'/', next @ ..] => Ok(given.is_empty() && next == b"#"), // a level and all below it (4.7.1.2)
        _ => Ok(false),
    }
}

/// The part of `filter` that is matched: of a shared subscription what follows the group.
fn without_share(filter: &[u8]) -> &[u8] {
    match filter.strip_prefix(SHARE.as_bytes()).map(after_level) {
        Some([b'/', rest @ ..]) => rest,
        _ => filter,
    }
}

/// Whether every Topic Name that `narrow` matches is matched by `wide` too (both valid; `false` if in doubt). Of shared
/// subscriptions, which see a part only, none covers another.
pub fn covers(wide: &str, narrow: &str) -> bool {
    if is_shared(wide) || is_shared(narrow) {
        return false;
    }
    if wide.starts_with(['+', '#']) && narrow.starts_with('$') {
        return false;
    }
    let (mut wide, mut narrow) = (wide.split('/'), narrow.split('/'));
    loop {
        match (wide.next(), narrow.next()) {
            (None, None) | (Some("#"), _) => return true,
            (Some("+"), Some(level)) if level != "#" => {}
            (Some(one), Some(other)) if one == other => {}
            _ => return false,
        }
    }
}

/// Whether some Topic Name is matched by both filters (both valid; `true` if in doubt).
pub fn overlaps(one: &str, other: &str) -> bool {
    if is_shared(one) || is_shared(other) {
        return true;
    }
    let hidden = |wild: &str, plain: &str| wild.starts_with(['+', '#']) && plain.starts_with('$');
    if hidden(one, other) || hidden(other, one) {
        return false;
    }
    let (mut one, mut other) = (one.split('/'), other.split('/'));
    loop {
        match (one.next(), other.next()) {
            (None, None) | (Some("#"), _) | (_, Some("#")) => return true,
            (Some("+"), Some(_)) | (Some(_), Some("+")) => {}
            (Some(left), Some(right)) if left == right => {}
            _ => return false,
        }
    }
}

/// Bytes that are looked at in one step.
const WORD: usize = 8;

/// What is left of `name` from the next `/` on.
#[inline]
fn after_level(name: &[u8]) -> &[u8] {
    const ONES: u64 = u64::from_le_bytes([1; WORD]);
    let mut rest = name;
    while let Some(word) = rest.first_chunk() {
        let other = u64::from_le_bytes(*word) ^ (ONES * b'/' as u64);
        // The lowest byte that is 0 has the lowest bit of these.
        let slashes = other.wrapping_sub(ONES) & !other & (ONES << 7);
        if slashes != 0 {
            let level = (slashes.trailing_zeros() / 8) as usize & (WORD - 1);
            return rest.get(level..).unwrap_or_default();
        }
        rest = rest.get(WORD..).unwrap_or_default();
    }
    while let [byte, next @ ..] = rest
        && *byte != b'/'
    {
        rest = next;
    }
    rest
}

/// Why a Topic Name or Topic Filter is not valid. Places are small numbers: nothing longer than 65,535 bytes is
/// looked through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TopicError {
    /// No byte at all.
    Empty,
    /// Over 65,535 bytes.
    TooLong,
    /// Holds U+0000, at this byte.
    Nul(u16),
    /// A Topic Name holds `+` or `#`, at this byte.
    Wildcard(u16),
    /// `#` is not the whole last level, at this byte.
    MultiLevel(u16),
    /// `+` shares its level with something, at this byte.
    SingleLevel(u16),
    /// `$share/` without a proper group or filter.
    Share,
}

impl TopicError {
    /// The numbered statement of 5.0 that is broken.
    pub(crate) const fn statement_v5(self) -> Option<&'static str> {
        Some(match self {
            Self::Empty => "MQTT-4.7.3-1",
            Self::TooLong => "MQTT-4.7.3-3",
            Self::Nul(_) => "MQTT-4.7.3-2",
            Self::Wildcard(_) => "MQTT-4.7.0-1",
            Self::MultiLevel(_) => "MQTT-4.7.1-1",
            Self::SingleLevel(_) => "MQTT-4.7.1-2",
            Self::Share => "MQTT-4.8.2-2",
        })
    }

    /// The numbered statement of 3.1.1 that is broken.
    pub(crate) const fn statement_v311(self) -> Option<&'static str> {
        Some(match self {
            Self::Empty => "MQTT-4.7.3-1",
            Self::TooLong => "MQTT-4.7.3-3",
            Self::Nul(_) => "MQTT-4.7.3-2",
            Self::Wildcard(_) => "MQTT-4.7.1-1",
            Self::MultiLevel(_) => "MQTT-4.7.1-2",
            Self::SingleLevel(_) => "MQTT-4.7.1-3",
            Self::Share => return None,
        })
    }
}

impl fmt::Display for TopicError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("is empty"),
            Self::TooLong => f.write_str("is longer than 65,535 bytes"),
            Self::Nul(at) => write!(f, "holds U+0000 at byte {at}"),
            Self::Wildcard(at) => write!(f, "is a topic name and holds a wildcard at byte {at}"),
            Self::MultiLevel(at) => {
                write!(f, "holds '#' that is not the whole last level at byte {at}")
            }
            Self::SingleLevel(at) => write!(f, "holds '+' that is not a whole level at byte {at}"),
            Self::Share => f.write_str("begins with $share/ but is not $share/<group>/<filter>"),
        }
    }
}

impl core::error::Error for TopicError {}

const SHARE: &str = "$share/";

#[cold]
fn first_special(bytes: &[u8]) -> Option<TopicError> {
    let mut special = bytes.iter().zip(0..);
    special.find_map(|(&byte, at)| match byte {
        0 => Some(TopicError::Nul(at)),
        b'+' | b'#' => Some(TopicError::Wildcard(at)),
        _ => None,
    })
}
