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
    let mut rest = bytes.iter().enumerate().peekable();
    while let Some((at, &byte)) = rest.next() {
        let next = rest.peek().map(|&(_, &next)| next);
        match byte {
            0 => return Err(TopicError::Nul(at)),
            b'#' if previous != b'/' || next.is_some() => return Err(TopicError::MultiLevel(at)),
            b'+' if previous != b'/' || next.is_some_and(|next| next != b'/') => {
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
pub fn matches(filter: &str, name: &str) -> bool {
    let filter = filter
        .strip_prefix(SHARE)
        .and_then(|shared| shared.split_once('/'))
        .map_or(filter, |(_, filter)| filter);
    let (mut wanted, mut given) = (filter.as_bytes(), name.as_bytes());
    if let (Some(b'+' | b'#'), Some(b'$')) = (wanted.first(), given.first()) {
        return false;
    }
    // A name holds no wildcard, so what both begin with never goes past one: each begins a level of both.
    loop {
        (wanted, given) = after_common(wanted, given);
        match (wanted, given) {
            ([], []) | ([b'#', ..], _) => return true,
            ([b'+', rest @ ..], _) => (wanted, given) = (rest, after_level(given)),
            ([b'/', next @ ..], []) => return next == b"#", // a level and all below it (4.7.1.2)
            _ => return false,
        }
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

/// What is left of `one` and `other` after all that both begin with.
#[inline]
fn after_common<'a, 'b>(one: &'a [u8], other: &'b [u8]) -> (&'a [u8], &'b [u8]) {
    let (mut one, mut other) = (one, other);
    while let (Some((&left, one_rest)), Some((&right, other_rest))) =
        (one.split_first_chunk::<8>(), other.split_first_chunk())
    {
        let differing = u64::from_le_bytes(left) ^ u64::from_le_bytes(right);
        if differing != 0 {
            let same = (differing.trailing_zeros() / 8) as usize;
            return (
                one.get(same..).unwrap_or_default(),
                other.get(same..).unwrap_or_default(),
            );
        }
        (one, other) = (one_rest, other_rest);
    }
    while let ([left, one_rest @ ..], [right, other_rest @ ..]) = (one, other)
        && left == right
    {
        (one, other) = (one_rest, other_rest);
    }
    (one, other)
}

/// What is left of `name` from the next `/` on.
#[inline]
fn after_level(name: &[u8]) -> &[u8] {
    let mut rest = name;
    while let [byte, next @ ..] = rest
        && *byte != b'/'
    {
        rest = next;
    }
    rest
}

/// Why a Topic Name or Topic Filter is not valid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TopicError {
    /// No byte at all.
    Empty,
    /// Over 65,535 bytes.
    TooLong,
    /// Holds U+0000, at this byte.
    Nul(usize),
    /// A Topic Name holds `+` or `#`, at this byte.
    Wildcard(usize),
    /// `#` is not the whole last level, at this byte.
    MultiLevel(usize),
    /// `+` shares its level with something, at this byte.
    SingleLevel(usize),
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
    let special = |&byte: &u8| matches!(byte, 0 | b'+' | b'#');
    let at = bytes.iter().position(special)?;
    Some(match bytes.get(at) {
        Some(0) => TopicError::Nul(at),
        _ => TopicError::Wildcard(at),
    })
}
