//! What the messages of a topic have in common, as JSON Schema: a counting tree per family of topics, in one pass.
//!
//! `take` brings a message in (`other`: one that is not JSON): the walk's events become counts at nodes (`node`, `store`), rows of members that came
//! together, and values (`row`, `values`). `join` merges. Asked at any time, `union` tells kinds of objects apart,
//! `claim` what is sure enough to be said of values (`text`: formats), `write` writes it, `sure` says how far it can be
//! relied on. `family` holds what is known beside the tree.
//! Invariant: memory is the caller's; what finds no room is counted, and leaves its part of the schema open.

mod changes;
mod claim;
mod family;
mod join;
mod node;
mod other;
mod row;
mod store;
mod sure;
mod take;
mod tape;
mod text;
mod told;
mod union;

mod values;
mod write;

pub use changes::TypeChange;
pub use family::Family;
pub use node::Node;
pub use row::{Row, Value};
pub use store::Lost;
pub use told::{Confidence, FamilyView, PathView, Quantity};

use super::Record;
use crate::payload::{Facts, Format, front, hash, lenient};
use changes::Changes;
use store::{Store, Used, View};
use take::Taker;

/// Bytes of a key that is told apart; longer ones leave their object open.
pub(crate) const KEY_BYTES: usize = 256;

/// Memory for schemas: what fits is told apart, what does not is counted.
#[derive(Clone, Debug)]
pub struct Storage<F, N, R, V, T> {
    /// Families of topics.
    pub families: F,
    /// Paths of all families; real topics have 4 in the median, 23 at the ninetieth percentile.
    pub nodes: N,
    /// Sets of members that came together.
    pub rows: R,
    /// Distinct strings, up to twenty a path.
    pub values: V,
    /// Bytes for keys and topics.
    pub text: T,
}

/// The schemas of the families of a stream.
#[derive(Clone, Debug)]
pub struct Schemas<F, N, R, V, T> {
    memory: Storage<F, N, R, V, T>,
    used: Used,
    families: usize,
    /// Where the family of a class was found last, by the low bits of the class.
    found: [u16; FOUND],
    seed: u64,
    stamp: u64,
    changes: Changes,
}

const FOUND: usize = 2_048;

impl<F, N, R, V, T> Schemas<F, N, R, V, T>
where
    F: AsMut<[Family]> + AsRef<[Family]>,
    N: AsMut<[Node]> + AsRef<[Node]>,
    R: AsMut<[Row]> + AsRef<[Row]>,
    V: AsMut<[Value]> + AsRef<[Value]>,
    T: AsMut<[u8]> + AsRef<[u8]>,
{
    /// No families yet. `seed` should be random; accumulators are merged only under the same one.
    pub fn new(memory: Storage<F, N, R, V, T>, seed: u64) -> Self {
        Self {
            memory,
            used: Used::default(),
            families: 0,
            found: [0; FOUND],
            seed,
            stamp: 1,
            changes: Changes::new(),
        }
    }

    /// Forgets everything, to be used anew.
    pub fn clear(&mut self) {
        self.used = Used::default();
        self.families = 0;
        self.stamp = 1;
        self.changes.clear();
    }

    /// Takes one message of the family `class` (as [`crate::payload::Facts`] has it) in a format.
    /// Returns the family's place in [`Schemas::families`], none if there was no room for it.
    #[inline]
    pub fn record(&mut self, record: &Record<'_>, class: u64, format: Format) -> Option<usize> {
        self.take(record, class, format, (record.payload, format, false))
    }

    /// [`Schemas::record`] with what one pass found: learns what the payload holds, if it was decoded.
    #[inline]
    pub fn record_facts(&mut self, record: &Record<'_>, facts: &Facts<'_>) -> Option<usize> {
        let (content, _) = facts.content(record.payload);
        // A front would seem to lack members.
        let inner = match &facts.decoded {
            Some(decoded) if !decoded.whole => Format::Empty,
            _ => facts.content_format(),
        };
        // Numbers in a topic may be those of alike devices or of unlike things: of bare values topics are told apart
        // while there is room, so that whoever asks can see which.
        let free = self.families < self.memory.families.as_ref().len() / 4;
        let class = match inner {
            Format::Number if free => hash::bytes(facts.class, record.topic.as_bytes()),
            _ => facts.class,
        };
        self.take(record, class, facts.format, (content, inner, facts.lenient))
    }

    /// `content` in the format `inner`, perhaps almost JSON, is what the payload holds, which itself is of a format.
    #[inline]
    fn take(
        &mut self,
        record: &Record<'_>,
        class: u64,
        format: Format,
        (content, inner, lenient): (&[u8], Format, bool),
    ) -> Option<usize> {
        let Some(place) = self.family(class, record.topic) else {
            self.used.lost.messages += 1;
            return None;
        };
        let stamp = self.stamp;
        let (families, mut store) = self.store();
        let family = families.get_mut(place)?;
        family.count(&mut store, record, format, inner);
        let text = core::str::from_utf8(content).unwrap_or("");
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let at = record.at.as_micros();
        let root = if is_json(inner) {
            family.json
        } else {
            family.text
        };
        let mut taker = Taker::new(&mut store, root, text, (record.topic, at), stamp);
        let taken = match inner {
            Format::Number if text.trim().contains(',') => other::decimals(text, &mut taker),
            Format::JsonObject | Format::JsonArray if lenient => {
                lenient::walk(text, &mut taker).is_ok()
            }
            format if is_json(format) => {
                front::walk_front(text, &mut taker, front::Rest::Leave).is_ok()
            }
            Format::Xml => other::xml(text, &mut taker),
            Format::KeyValue | Format::Ini | Format::Yaml => other::pairs(text, &mut taker),
            Format::LineProtocol => other::line_protocol(text, &mut taker),
            Format::Csv => other::csv(text, &mut taker),
            Format::Prometheus => other::prometheus(text, &mut taker),
            Format::Nmea => other::nmea(text, &mut taker),
            format if format.is_text() && format != Format::Empty => other::text(text, &mut taker),
            _ => return Some(place),
        };
        if taken {
            self.stamp = taker.finish();
        } else {
            store.used.lost.broken += 1;
        }
        Some(place)
    }

    /// Takes in what another has seen.
    pub fn merge(&mut self, other: &Self) {
        let theirs = other.used.lost;
        let ours = &mut self.used.lost;
        ours.messages += theirs.messages;
        ours.members += theirs.members;
        ours.values += theirs.values;
        ours.deep += theirs.deep;
        ours.broken += theirs.broken;
        for (index, family) in other.known().iter().enumerate() {
            self.absorb(other, index, family.class);
        }
    }

    /// Takes in one family of another, by its place in [`Schemas::families`], as the family `class`.
    pub fn absorb(&mut self, other: &Self, index: usize, class: u64) {
        let Some(theirs) = other.known().get(index) else {
            return;
        };
        let from = other.view();
        let Some(place) = self.family(class, theirs.name(from.text)) else {
            self.used.lost.messages += theirs.messages;
            return;
        };
        let (families, mut store) = self.store();
        if let Some(family) = families.get_mut(place) {
            store.join(family.json, theirs.json, Some(&from), None);
            store.join(family.text, theirs.text, Some(&from), None);
            for change in other.changes.iter().filter(|it| it.root == theirs.json) {
                let root = family.json;
                changes::keep(
                    store.changes,
                    TypeChange {
                        root,
                        ..change.clone()
                    },
                );
            }
            family.merge(&store, theirs, from.text);
        }
    }

    /// The families in order of first sight.
    pub fn families(&self) -> impl ExactSizeIterator<Item = FamilyView<'_>> + Clone {
        let view = self.view();
        let of = move |family| FamilyView { family, view };
        self.known().iter().map(of)
    }

    /// Hash of a topic, for [`FamilyView::holds`].
    pub fn hash(&self, topic: &str) -> u64 {
        hash::bytes(self.seed, topic.as_bytes())
    }

    /// What bounds cost.
    pub fn lost(&self) -> Lost {
        self.used.lost
    }

    fn known(&self) -> &[Family] {
        self.memory
            .families
            .as_ref()
            .get(..self.families)
            .unwrap_or(&[])
    }

    fn view(&self) -> View<'_> {
        View {
            nodes: self.memory.nodes.as_ref(),
            rows: self.memory.rows.as_ref(),
            values: self.memory.values.as_ref(),
            text: self.memory.text.as_ref(),
            changes: &self.changes,
        }
    }

    fn store(&mut self) -> (&mut [Family], Store<'_>) {
        let store = Store {
            nodes: self.memory.nodes.as_mut(),
            rows: self.memory.rows.as_mut(),
            values: self.memory.values.as_mut(),
            text: self.memory.text.as_mut(),
            used: &mut self.used,
            changes: &mut self.changes,
            seed: self.seed,
        };
        (self.memory.families.as_mut(), store)
    }

    /// The place of a family, made if there is room.
    #[inline]
    fn family(&mut self, class: u64, topic: &str) -> Option<usize> {
        let known = self.known();
        let number = hash::index(class, FOUND);
        let place = self
            .found
            .get(number)
            .map_or(0, |&place| usize::from(place));
        if known.get(place).is_some_and(|family| family.class == class) {
            return Some(place);
        }
        let place = match known.iter().position(|family| family.class == class) {
            Some(place) => place,
            None => {
                let place = self.families;
                let (families, mut store) = self.store();
                let free = families.get_mut(place)?;
                *free = Family::new(&mut store, class, topic)?;
                self.families += 1;
                place
            }
        };
        if let Some(found) = self.found.get_mut(number) {
            *found = u16::try_from(place).unwrap_or(0);
        }
        Some(place)
    }
}

const fn is_json(format: Format) -> bool {
    matches!(
        format,
        Format::JsonObject
            | Format::JsonArray
            | Format::Number
            | Format::Bool
            | Format::JsonString
            | Format::Null
    )
}

#[cfg(test)]
mod described;
#[cfg(test)]
mod tests;
