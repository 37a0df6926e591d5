//! Topic Names and Topic Filters among the arguments: what is wrong with one, and what would be right.

use crate::protocol::failure::ToolError;
use crate::render;
use bitsperity_mqtt_core::topic::{TopicError, validate_filter};

/// What is listened to where no filter is given.
pub(in crate::tools) fn everything() -> String {
    "#".to_owned()
}

/// The filter, if it is one.
pub(crate) fn checked_filter(name: &str, filter: &str) -> Result<String, ToolError> {
    match validate_filter(filter) {
        Ok(()) => Ok(filter.to_owned()),
        Err(wrong) => Err(bad_topic(name, filter, wrong)),
    }
}

/// What is wrong with a Topic Name or Topic Filter, and what would be right.
pub(in crate::tools) fn bad_topic(name: &str, given: &str, wrong: TopicError) -> ToolError {
    let shown = render::topic(given);
    let (what, next) = match wrong {
        TopicError::Empty => ("is empty", "give at least one character".to_owned()),
        TopicError::TooLong => ("is over 65,535 bytes", "give a shorter one".to_owned()),
        TopicError::Nul(_) => ("holds U+0000", "leave that character out".to_owned()),
        TopicError::Wildcard(_) => (
            "holds a wildcard (+ or #), which is for listening only",
            "publish to one topic at a time; list_topics shows which there are".to_owned(),
        ),
        TopicError::MultiLevel(at) => (
            "has # in a place other than the whole last level",
            format!("try `{}#`", render::clean(whole_levels(given, at))),
        ),
        TopicError::SingleLevel(at) => (
            "has + beside other characters in one level",
            format!(
                "+ stands for a whole level: try `{}+`",
                render::clean(whole_levels(given, at))
            ),
        ),
        _ => (
            "is not a shared subscription ($share/group/filter)",
            "give a group without wildcards, then a filter".to_owned(),
        ),
    };
    ToolError::invalid(format!("`{name}` {what}: `{shown}`"), next)
}

/// The levels of `given` that lie wholly before the byte `at`, with their last slash.
fn whole_levels(given: &str, at: u16) -> &str {
    let before = given.get(..usize::from(at)).unwrap_or_default();
    before
        .rfind('/')
        .and_then(|slash| before.get(..=slash))
        .unwrap_or_default()
}
