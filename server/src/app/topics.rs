//! The tree of topics, a level at a time.

use super::App;
use super::devices::everything;
use super::views::{TopicRow, TopicSource, TopicValue, Topics};
use crate::broker::report::{LastMessage, TopicFinding, Wants};
use crate::broker::sessions::SessionInfo;
use crate::broker::watch::Watch;
use crate::render;
use crate::text::mask::mask_connection_strings;
use bitsperity_mqtt_core::topic::{matches, validate_filter, validate_name};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::SystemTime;

/// Topics of a watch: all that it knows by name.
const TOPICS: usize = 4_096;

/// Bytes of the last payload in a row, and of a topic that is looked at.
const PREVIEW: usize = 80;
const PAYLOAD: usize = 16 << 10;

/// What is asked of the tree.
#[derive(Clone, Debug, Default)]
pub struct TopicQuery {
    /// The session to look at; none: the first that watches.
    pub session: Option<String>,
    /// A Topic Filter, or a part of a topic if it has no wildcard; none: all.
    pub filter: Option<String>,
    /// The branch whose level is wanted, with its `/` at the end; none: the root.
    pub under: Option<String>,
    /// This topic with its whole last payload, in place of a level.
    pub topic: Option<String>,
    /// Rows at most.
    pub limit: usize,
}

/// Why there is no answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TopicsError {
    /// No session of this id watches.
    NoSession,
    /// It is no Topic Filter, or no topic; in words why.
    BadFilter(String),
    /// The connection has just ended.
    Gone,
}

impl App {
    /// A level of the tree, or one topic.
    ///
    /// # Errors
    /// See [`TopicsError`].
    pub async fn topics(&self, query: &TopicQuery) -> Result<Topics, TopicsError> {
        let filter = query.filter.as_deref().unwrap_or_default().trim();
        let is_filter = filter.contains(['+', '#']);
        if is_filter && let Err(why) = validate_filter(filter) {
            return Err(TopicsError::BadFilter(format!(
                "`filter` is no Topic Filter: {why}"
            )));
        }
        let watches = self.watches();
        let mut answer = Topics {
            sources: watches.iter().map(source).collect(),
            session_id: None,
            topics: 0,
            estimated: false,
            rows: Vec::new(),
            more: 0,
            value: None,
        };
        let asked = |(info, _): &&(SessionInfo, Arc<Watch>)| {
            query
                .session
                .as_ref()
                .is_none_or(|session| info.id == *session)
        };
        let Some((info, watch)) = watches.iter().find(asked) else {
            return match query.session {
                Some(_) => Err(TopicsError::NoSession),
                None => Ok(answer),
            };
        };
        answer.session_id = Some(info.id.clone());
        if let Some(topic) = &query.topic {
            if let Err(why) = validate_name(topic) {
                return Err(TopicsError::BadFilter(format!(
                    "`topic` is no topic: {why}"
                )));
            }
            let last = watch
                .last_value(topic)
                .await
                .map_err(|_| TopicsError::Gone)?;
            answer.value = last.map(|(at, last)| value(topic, at, &last));
            return Ok(answer);
        }
        let wants = Wants {
            topics: Some(TOPICS),
            ..Wants::default()
        };
        let report = watch.recall(everything(watch, wants)).await;
        let report = report.map_err(|_| TopicsError::Gone)?;
        let table = report.findings.topics.unwrap_or_default();
        let takes = |topic: &str| match is_filter {
            true => matches(filter, topic),
            false => topic.contains(filter),
        };
        let taken: Vec<_> = table.topics.iter().filter(|it| takes(&it.topic)).collect();
        answer.estimated = table.estimated;
        answer.topics = if filter.is_empty() {
            table.seen
        } else {
            taken.len() as u64
        };
        let under = query.under.as_deref().unwrap_or_default();
        let rows = level(&taken, under, report.started);
        answer.more = rows.len().saturating_sub(query.limit);
        answer.rows = rows.into_iter().take(query.limit).collect();
        Ok(answer)
    }
}

fn source((info, watch): &(SessionInfo, Arc<Watch>)) -> TopicSource {
    let filters = watch.watching().filters;
    TopicSource {
        session_id: info.id.clone(),
        broker: render::clean(&info.established.broker),
        filters: filters.iter().map(|it| render::topic(it)).collect(),
    }
}

/// The branches and topics right below `under`; `topics` are in order of name, so each branch stands together.
fn level(topics: &[&TopicFinding], under: &str, started: SystemTime) -> Vec<TopicRow> {
    let mut rows: Vec<TopicRow> = Vec::new();
    let mut open: Option<(&str, TopicRow)> = None;
    let mut latest = SystemTime::UNIX_EPOCH;
    for topic in topics {
        let Some(rest) = topic
            .topic
            .strip_prefix(under)
            .filter(|rest| !rest.is_empty() || under.is_empty())
        else {
            continue;
        };
        let last = started + topic.last;
        let branch = rest.find('/').map(|at| rest.split_at(at + 1).0);
        if let Some((name, row)) = &mut open
            && branch == Some(*name)
        {
            row.topics += 1;
            row.messages += topic.messages;
            row.errors += topic.errors;
            row.messages_per_s = render::rounded(row.messages_per_s + topic.rate.unwrap_or(0.0));
            row.retained &= topic.retained == topic.messages;
            if last > latest {
                latest = last;
                row.last = render::time(last);
            }
            continue;
        }
        rows.extend(open.take().map(|(_, row)| row));
        let mut row = row(topic, started);
        match branch {
            Some(branch) => {
                latest = last;
                row.path = format!("{under}{branch}");
                row.value = None;
                open = Some((branch, row));
            }
            None => rows.push(row),
        }
    }
    rows.extend(open.map(|(_, row)| row));
    rows
}

fn row(topic: &TopicFinding, started: SystemTime) -> TopicRow {
    TopicRow {
        path: mask_connection_strings(&topic.topic).into_owned(),
        topics: 1,
        messages: topic.messages,
        messages_per_s: render::rounded(topic.rate.unwrap_or(0.0)),
        errors: topic.errors,
        last: render::time(started + topic.last),
        value: Some(render::preview(&topic.preview, topic.shown_bytes, PREVIEW)),
        retained: topic.retained == topic.messages,
    }
}

fn value(topic: &str, at: SystemTime, last: &LastMessage) -> TopicValue {
    let shown = last.payload.get(..PAYLOAD).unwrap_or(&last.payload);
    let payload = render::payload(&last.payload, last.payload_bytes, PAYLOAD);
    let mut hex = String::with_capacity(shown.len() * 3);
    for byte in shown {
        let _ = write!(hex, "{byte:02x} ");
    }
    let json = (payload.encoding == render::Encoding::Json).then_some(payload.value);
    let text = std::str::from_utf8(shown).ok().map(render::clean);
    TopicValue {
        topic: render::topic(topic),
        at: render::time(at),
        bytes: last.payload_bytes,
        qos: last.qos as u8,
        retained: last.retain,
        json,
        text,
        hex: hex.trim_end().to_owned(),
        shown_bytes: (shown.len() < last.payload_bytes).then_some(shown.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitsperity_mqtt_core::packet::QoS;
    use std::time::Duration;

    fn finding(topic: &str, messages: u64, last: u64) -> TopicFinding {
        TopicFinding {
            topic: topic.to_owned(),
            messages,
            retained: 0,
            errors: 1,
            warnings: 0,
            formats: Default::default(),
            bytes: 0,
            first: Duration::ZERO,
            last: Duration::from_secs(last),
            rate: Some(0.5),
            format: "text",
            preview: b"<b>21.5".to_vec(),
            shown_bytes: 7,
            last_bytes: 7,
        }
    }

    #[test]
    fn a_level_holds_branches_and_topics() {
        let found = [
            finding("attic", 1, 1),
            finding("attic/fan", 2, 9),
            finding("attic/fan/speed", 4, 3),
            finding("cellar/pump", 8, 2),
        ];
        let topics: Vec<_> = found.iter().collect();
        let told = |under: &str| {
            let rows = level(&topics, under, SystemTime::UNIX_EPOCH);
            let rows = rows.into_iter();
            rows.map(|row| {
                (
                    row.path,
                    row.topics,
                    row.messages,
                    row.last[17..19].to_owned(),
                )
            })
            .collect::<Vec<_>>()
        };
        let row = |path: &str, topics, messages, second: &str| {
            (path.to_owned(), topics, messages, second.to_owned())
        };
        let root = [
            row("attic", 1, 1, "01"),
            row("attic/", 2, 6, "09"),
            row("cellar/", 1, 8, "02"),
        ];
        assert_eq!(told(""), root);
        let attic = [row("attic/fan", 1, 2, "09"), row("attic/fan/", 1, 4, "03")];
        assert_eq!(told("attic/"), attic);
        assert_eq!(told("nothing/"), []);
    }

    #[test]
    fn a_payload_is_shown_as_json_text_and_hex() {
        let last = |payload: &[u8]| LastMessage {
            at: Duration::ZERO,
            payload: payload.to_vec(),
            payload_bytes: payload.len(),
            size: payload.len(),
            decoded: None,
            qos: QoS::AtLeastOnce,
            retain: true,
        };
        let shown = value("a", SystemTime::UNIX_EPOCH, &last(b"{\"on\":1}"));
        assert_eq!(shown.json, Some(serde_json::json!({"on": 1})));
        assert!(shown.text.is_some() && shown.hex.starts_with("7b 22 6f"));
        let shown = value("a", SystemTime::UNIX_EPOCH, &last(&[0xff, 0]));
        assert_eq!(
            (shown.json, shown.text, shown.hex.as_str()),
            (None, None, "ff 00")
        );
        let shown = value("a", SystemTime::UNIX_EPOCH, &last(&vec![b'x'; 1 << 20]));
        assert_eq!((shown.shown_bytes, shown.bytes), (Some(16 << 10), 1 << 20));
    }
}
