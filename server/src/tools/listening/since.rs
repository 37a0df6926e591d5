//! From when on a call hears: from now on, or what the session's watch has heard, all of it or the latest.

use crate::broker::report::Report;
use crate::tools::ToolError;
use crate::tools::arguments::ranges::{MESSAGES, SCHEMA_MESSAGES};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime};

// now: listens anew; session: at once, all that the session's watch has heard; 60s, 5m, 2h or a time of RFC 3339: the
// latest of that.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub(in crate::tools) enum Since {
    /// It listens anew.
    #[default]
    Now,
    /// At once, all that the session's watch has heard.
    Session,
    /// Of that, the last so long.
    Last(Duration),
    /// Of that, what came after this time.
    Time(SystemTime),
}

impl Since {
    /// How much of what was heard until `now` is wanted; none: all.
    pub(super) fn latest(self, now: SystemTime) -> Option<Duration> {
        match self {
            Self::Now | Self::Session => None,
            Self::Last(latest) => Some(latest),
            Self::Time(at) => Some(now.duration_since(at).unwrap_or_default()),
        }
    }
}

/// What may be written, for whom wrote something else.
const FORMS: &str = "`since` cannot be read; give session, or how much of it: 60s, 5m, 2h, or a time of RFC 3339 with its \
    zone, such as 2026-01-31T18:00:00Z; now listens anew";

/// Refuses a number of messages after which to stop, where all were heard already and more came.
pub(super) fn obeys(tool: &str, most: Option<u64>, report: &Report) -> Result<(), ToolError> {
    let usual = match tool {
        "get_topic_schema" => SCHEMA_MESSAGES.default,
        _ => MESSAGES.default,
    };
    let live = report.received.saturating_sub(report.retained);
    match most.filter(|most| *most != usual && *most < live) {
        Some(_) => Err(ToolError::invalid(
            format!("`max_messages` stops a listening, but {live} messages were heard already"),
            "leave it out; since 60s takes the latest of them, and target_size of subscribe_and_collect says how many are shown",
        )),
        None => Ok(()),
    }
}

impl TryFrom<String> for Since {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let text = text.trim();
        match text.to_ascii_lowercase().as_str() {
            "" | "now" => return Ok(Self::Now),
            "session" => return Ok(Self::Session),
            _ => {}
        }
        if let Ok(time) = text.parse::<jiff::Timestamp>() {
            return Ok(Self::Time(time.into()));
        }
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
        let unit = text.get(digits.len()..).unwrap_or_default().trim();
        let seconds = match unit.to_ascii_lowercase().as_str() {
            "" | "s" | "sec" | "second" | "seconds" => 1.0,
            "m" | "min" | "minute" | "minutes" => 60.0,
            "h" | "hour" | "hours" => 3_600.0,
            "d" | "day" | "days" => 86_400.0,
            _ => return Err(FORMS),
        };
        let number: f64 = digits.parse().map_err(|_| FORMS)?;
        let latest = Duration::try_from_secs_f64(number * seconds).map_err(|_| FORMS)?;
        match latest.is_zero() {
            true => Ok(Self::Now),
            false => Ok(Self::Last(latest)),
        }
    }
}

impl From<Since> for String {
    fn from(since: Since) -> Self {
        match since {
            Since::Now => "now".to_owned(),
            Since::Session => "session".to_owned(),
            Since::Last(latest) => format!("{}s", crate::render::seconds(latest)),
            Since::Time(at) => crate::render::time(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_understood() {
        let seconds = |number| Ok(Since::Last(Duration::from_secs(number)));
        for (text, since) in [
            ("now", Ok(Since::Now)),
            ("Session", Ok(Since::Session)),
            ("60s", seconds(60)),
            ("60", seconds(60)),
            ("5 min", seconds(300)),
            ("1.5h", seconds(5_400)),
            ("0", Ok(Since::Now)),
            ("yesterday", Err(FORMS)),
            ("-5s", Err(FORMS)),
            ("1e300 d", Err(FORMS)),
        ] {
            assert_eq!(Since::try_from(text.to_owned()), since, "{text}");
        }
        let time = Since::try_from("2026-03-01T12:00:00+01:00".to_owned()).unwrap();
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_772_362_800);
        assert_eq!(time, Since::Time(at));
        assert_eq!(
            time.latest(at + Duration::from_secs(7)),
            Some(Duration::from_secs(7))
        );
    }
}
