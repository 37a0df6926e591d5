//! Whether a device is connected: what a payload says of that, and how it changed.
//!
//! Invariant: a state that is told again is no change; what was replayed because retained is the state from the
//! start, not a change in time.

pub use super::connected::Connection;
pub(super) use super::connected::{
    is_connection, is_question, is_start, is_state, link_word, plain_word, word, yes_or_no,
};
use crate::payload::front;
use crate::payload::json::{Scalar, Text, Visitor};
use crate::time::Instant;
use core::time::Duration;
use heapless::{Deque, Vec};

/// Changes of a connection that are kept, the latest.
pub const MAX_CHANGES: usize = 8;

/// Bytes of a payload that can be a state of a connection.
pub(super) const MAX_PAYLOAD: usize = 512;

/// What is told twice within this was sent twice.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Live messages of a device that is told to be away: one may have been on its way.
const DOUBTS: u8 = 2;

/// A device describes all of its entities within this, slow ones too.
const IN_ONE_GO: Duration = Duration::from_secs(10);

/// A state of the connection and when it was told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Change {
    /// When.
    pub at: Instant,
    /// Since then.
    pub to: Connection,
    /// Replayed because retained: it is older.
    pub retained: bool,
}

/// The history of a connection.
#[derive(Clone, Debug, Default)]
pub struct Presence {
    told: Deque<Change, MAX_CHANGES>,
    changes: u32,
    drops: u32,
    offline: Duration,
    /// When the state now was last told, again or anew.
    confirmed: Instant,
    /// How often it said, live, that it is there without having left, and when it last did.
    again: u32,
    pub(super) again_at: Instant,
    /// How often it said that it is starting.
    starts: u16,
    /// What was told may be of something else.
    sense: Sense,
    /// Live messages after such a no.
    doubts: u8,
}

/// How surely what was told is of the connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Sense {
    /// It is of nothing else.
    #[default]
    Sure,
    /// It is yes or no under a name that may be of something else, unless it goes on to speak.
    Answer,
    /// It is a word that may be of a cable, unless it falls silent.
    Word,
}

impl Presence {
    /// The state now; unknown if what is said to be away goes on to speak: that was of something else.
    pub fn state(&self) -> Connection {
        if self.is_doubted() {
            return Connection::Unknown;
        }
        self.told.back().map_or(Connection::Unknown, |told| told.to)
    }

    /// When and how the state now was told.
    pub fn latest(&self) -> Option<Change> {
        self.told.back().copied()
    }

    /// What was told, the first thing and the changes, oldest first; the last [`MAX_CHANGES`].
    pub fn told(&self) -> impl Iterator<Item = &Change> {
        self.told.iter()
    }

    /// Changes, the first telling not counted.
    pub fn changes(&self) -> u32 {
        self.changes
    }

    /// Changes to [`Connection::Offline`].
    pub fn drops(&self) -> u32 {
        if self.is_doubted() { 0 } else { self.drops }
    }

    fn is_doubted(&self) -> bool {
        self.doubts >= DOUBTS
    }

    /// The state was told, live, and told again.
    pub(super) fn is_confirmed(&self) -> bool {
        let told = self.latest();
        told.is_some_and(|told| !told.retained && self.confirmed > told.at)
    }

    /// What told the state on a topic with this last level.
    pub(super) fn told_by(&mut self, level: &str, payload: &[u8]) {
        let text = core::str::from_utf8(payload).unwrap_or("").trim();
        let text = text.trim_matches('"');
        let broad = ["available", "availability", "connected", "reachable"];
        let broad = super::vitals::is_any(level, &broad);
        let of_state = is_state(level) && plain_word(text).is_none();
        self.sense = match () {
            () if yes_or_no(text).is_some() && broad => Sense::Answer,
            () if of_state && text.starts_with('{') => Sense::Answer,
            () if of_state => Sense::Word,
            () => Sense::Sure,
        };
    }

    /// Only its silence shows whether what was told is of the connection.
    pub(super) fn is_vague(&self) -> bool {
        self.sense == Sense::Word
    }

    /// It said something new, live.
    pub(super) fn spoke(&mut self) {
        let away = self.latest().is_some_and(|it| it.to == Connection::Offline);
        self.doubts = self
            .doubts
            .saturating_add(u8::from(self.sense != Sense::Sure && away));
    }

    /// It described itself, live: as often as it does so anew, and not in one go, it says that it is there.
    pub(super) fn described(&mut self, at: Instant) {
        let known = self.again_at > Instant::default();
        if known && at.since(self.again_at) < IN_ONE_GO {
            return;
        }
        self.again = self.again.saturating_add(u32::from(known));
        self.again_at = at;
    }

    /// It said, live, that it is starting.
    pub(super) fn started(&mut self, at: Instant) {
        self.starts = self.starts.saturating_add(1);
        self.again_at = at;
    }

    /// How often it started without having left before.
    pub(super) fn restarts(&self) -> u32 {
        u32::from(self.starts)
            .saturating_sub(1)
            .saturating_sub(self.drops)
    }

    /// How often it said that it is there without having left before.
    pub(super) fn again(&self) -> u32 {
        self.again
    }

    /// Time spent offline, until `now`.
    pub fn offline(&self, now: Instant) -> Duration {
        let lasting = self.latest().filter(|told| told.to == Connection::Offline);
        self.offline + lasting.map_or(Duration::ZERO, |told| now.since(told.at))
    }

    /// It was offline at some time between `from` and `until`, as far as is remembered.
    pub(super) fn was_offline(&self, from: Instant, until: Instant) -> bool {
        let ends = self.told.iter().skip(1).map(|next| next.at);
        let spans = self.told.iter().zip(ends.chain([until.max(from)]));
        spans
            .into_iter()
            .any(|(told, end)| told.to == Connection::Offline && told.at <= until && end >= from)
    }

    pub(super) fn tell(&mut self, change: Change) {
        let before = self.latest();
        if change.to != Connection::Unknown {
            self.confirmed = self.confirmed.max(change.at);
        }
        let again = before.is_some_and(|told| told.to == change.to);
        if again && !change.retained {
            // What is said again by somebody who is there is no relic.
            if let Some(latest) = self.told.back_mut() {
                latest.retained = false;
            }
            if change.to == Connection::Online && change.at.since(self.again_at) >= AT_ONCE {
                self.again = self.again.saturating_add(1);
                self.again_at = change.at;
            }
        }
        if change.to == Connection::Unknown || again {
            return;
        }
        if let Some(before) = before {
            self.changes = self.changes.saturating_add(1);
            match (before.to, change.to) {
                (Connection::Offline, _) => self.offline += change.at.since(before.at),
                (_, Connection::Offline) => self.drops = self.drops.saturating_add(1),
                _ => {}
            }
        }
        if self.told.is_full() {
            self.told.pop_front();
        }
        let _ = self.told.push_back(change);
    }

    /// Takes in what another has heard; of what both forgot, only counts are left.
    pub(super) fn merge(&mut self, other: &Self) {
        let (ours, theirs) = (core::mem::take(self), other);
        let forgotten = |it: &Self| it.changes.saturating_sub(remembered(it));
        let mut all: Vec<Change, { MAX_CHANGES * 2 }> = ours.told.iter().copied().collect();
        all.extend(theirs.told.iter().copied());
        all.sort_unstable_by_key(|change| (change.at, change.to as u8));
        for change in all {
            self.tell(change);
        }
        // Who was told last knows best.
        let last = if ours.confirmed > theirs.confirmed {
            &ours
        } else {
            theirs
        };
        self.tell(Change {
            at: last.confirmed,
            to: last.state(),
            retained: last.latest().is_some_and(|told| told.retained),
        });
        // Shards that saw the same must not count it twice.
        self.changes = self
            .changes
            .saturating_add(forgotten(&ours).max(forgotten(theirs)));
        self.drops = self.drops.max(ours.drops).max(theirs.drops);
        self.starts = ours.starts.max(theirs.starts);
        self.again = ours.again.max(theirs.again);
        self.again_at = ours.again_at.max(theirs.again_at);
        self.offline = self.offline.max(ours.offline).max(theirs.offline);
    }
}

fn remembered(presence: &Presence) -> u32 {
    u32::try_from(presence.told.len().saturating_sub(1)).unwrap_or(0)
}

/// What a payload says of a connection, if it says that; on a topic whose last level is `level`.
pub(super) fn told(level: &str, payload: &[u8]) -> Option<Connection> {
    let text = core::str::from_utf8(payload).ok()?.trim();
    if text.starts_with('{') {
        if text.len() > MAX_PAYLOAD {
            return None;
        }
        return search(text, |key, value| member(level, key, value));
    }
    let text = text.trim_matches('"');
    word(text).or_else(|| yes_or_no(text).filter(|_| is_question(level)))
}

/// What a member of the outermost object tells.
pub(super) fn member(level: &str, key: &str, value: Scalar<'_>) -> Option<Connection> {
    let question = is_question(key);
    match value {
        Scalar::Bool(value) if question || key == "value" && is_question(level) => Some(if value {
            Connection::Online
        } else {
            Connection::Offline
        }),
        Scalar::Number("0") if question => Some(Connection::Offline),
        Scalar::Number("1") if question => Some(Connection::Online),
        Scalar::String(text) if question || is_connection(key) => word(text.raw),
        _ => None,
    }
}

/// The first member of the outermost object in `text` that has a meaning; none if the text is not JSON.
pub(super) fn search<'a>(
    text: &'a str,
    meaning: impl Fn(&'a str, Scalar<'a>) -> Option<Connection>,
) -> Option<Connection> {
    let mut members = Members {
        depth: 0,
        key: "",
        found: None,
        meaning,
    };
    front::walk_front(text, &mut members, front::Rest::Leave).ok()?;
    members.found
}

struct Members<'a, F> {
    depth: u32,
    key: &'a str,
    found: Option<Connection>,
    meaning: F,
}

impl<'a, F: Fn(&'a str, Scalar<'a>) -> Option<Connection>> Visitor<'a> for Members<'a, F> {
    fn open(&mut self, _: bool) {
        self.depth += 1;
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    fn key(&mut self, key: Text<'a>) {
        self.key = key.raw;
    }

    fn scalar(&mut self, value: Scalar<'a>) {
        if self.depth == 1 && self.found.is_none() {
            self.found = (self.meaning)(self.key, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_flags_and_objects_tell() {
        for (level, payload, wanted) in [
            ("LWT", "Offline", Some(Connection::Offline)),
            ("status", "online", Some(Connection::Online)),
            ("status", "idle", None),
            ("status", "1", None),
            ("online", "false", Some(Connection::Offline)),
            ("online", "1", Some(Connection::Online)),
            (
                "availability",
                r#"{"state":"offline"}"#,
                Some(Connection::Offline),
            ),
            (
                "status",
                r#"{"time":5,"value":false,"status":"Dead"}"#,
                Some(Connection::Offline),
            ),
            (
                "status",
                r#"{"temperature":5,"relay":{"state":"offline"}}"#,
                None,
            ),
            ("Online", "false", Some(Connection::Offline)),
            ("$state", "sleeping", Some(Connection::Sleeping)),
            ("status", "", None),
        ] {
            assert_eq!(told(level, payload.as_bytes()), wanted, "{level} {payload}");
        }
    }

    #[test]
    fn changes_are_counted_and_the_last_remembered() {
        let mut presence = Presence::default();
        for n in 0..21_u64 {
            let to = if n % 2 == 0 {
                Connection::Online
            } else {
                Connection::Offline
            };
            let at = Instant::from_micros(n * 1_000_000);
            presence.tell(Change {
                at,
                to,
                retained: n == 0,
            });
            presence.tell(Change {
                at,
                to,
                retained: false,
            });
        }
        assert_eq!((presence.changes(), presence.drops()), (20, 10));
        assert_eq!(presence.told().count(), MAX_CHANGES);
        assert_eq!(
            presence.offline(Instant::from_micros(99_000_000)).as_secs(),
            10
        );
        assert!(presence.was_offline(
            Instant::from_micros(19_500_000),
            Instant::from_micros(30_000_000)
        ));
        assert!(!presence.was_offline(
            Instant::from_micros(20_500_000),
            Instant::from_micros(30_000_000)
        ));
    }
}
