//! Topic Names and Topic Filters (section 4.7): validation and matching, `$`-topics, `$share`.

/// Whether `name` is a valid Topic Name: 1 to 65,535 bytes, no wildcard, no U+0000 `[MQTT-4.7.3-1]`.
///
/// # Errors
/// What is wrong and where.
pub fn validate_name(name: &str) -> Result<(), TopicError> {
    let _ = name;
    todo!()
}

/// Whether `filter` is a valid Topic Filter, shared subscriptions (`$share/group/filter`, 4.8.2) included.
///
/// # Errors
/// What is wrong and where.
pub fn validate_filter(filter: &str) -> Result<(), TopicError> {
    let _ = filter;
    todo!()
}

/// Whether the Topic Name `name` matches `filter` (both valid). A leading wildcard does not match a topic
/// that begins with `$` `[MQTT-4.7.2-1]`; of a shared subscription the part after the group matches.
pub fn matches(filter: &str, name: &str) -> bool {
    let _ = (filter, name);
    todo!()
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
