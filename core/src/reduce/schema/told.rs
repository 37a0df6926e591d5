//! What is told of a family: its topics, formats and traits, its schema and how sure it is, fields that changed type.
//! Invariant: asking changes nothing and allocates nothing.

use super::changes::TypeChange;
use super::claim;
use super::family::{Family, TOPICS};
use super::node::*;
use super::row::*;
use super::store::View;
use super::sure;
use super::tape::DEPTH;
use super::write::{Place, Writer};
use crate::payload::{Format, hash};
use core::fmt::{self, Write};

/// How far a schema is to be relied on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // the words of the tools' contract
pub enum Confidence {
    Low,
    Medium,
    High,
}

/// The numbers of a family.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Quantity {
    /// The least.
    pub least: f64,
    /// The most.
    pub most: f64,
    /// None has a fraction.
    pub whole: bool,
}

/// So much larger may what is measured in one place be than in another: rooms, phases and tanks differ by less, a
/// temperature and a humidity, a pressure or a signal mostly by more.
const NEAR: f64 = 2.5;

impl Quantity {
    /// Whether two could be the same quantity in two places, and both of them: of the same kind and size.
    pub fn join(self, other: Self) -> Option<Self> {
        let size = |it: Self| it.most.max(-it.least).max(1.0);
        let (a, b) = (size(self), size(other));
        let apart = self.most < 0.0 && other.least > 0.0 || other.most < 0.0 && self.least > 0.0;
        let near = a.max(b) <= a.min(b) * NEAR && self.whole == other.whole && !apart;
        near.then(|| self.with(other))
    }

    /// Both, known to be one quantity.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self {
            least: self.least.min(other.least),
            most: self.most.max(other.most),
            whole: self.whole && other.whole,
        }
    }
}

/// What is known of a family.
#[derive(Clone, Copy)]
pub struct FamilyView<'s> {
    pub(super) family: &'s Family,
    pub(super) view: View<'s>,
}

impl<'s> FamilyView<'s> {
    /// As [`crate::payload::Facts`] has it.
    pub fn class(&self) -> u64 {
        self.family.class
    }

    /// Messages of any format.
    pub fn messages(&self) -> u64 {
        self.family.messages
    }

    /// The topic that came first, and the levels in which others differ from it, one bit each.
    pub fn topic(&self) -> (&'s str, u64) {
        (self.family.name(self.view.text), self.family.varying)
    }

    /// Distinct topics; an estimate beyond sixteen.
    pub fn topics(&self) -> u64 {
        let topics = self.family.known();
        match topics.last() {
            Some(&largest) if topics.len() == TOPICS => {
                let rest = TOPICS as u64 - 1;
                (u128::from(rest) * u128::from(u64::MAX) / u128::from(largest.max(1)))
                    .try_into()
                    .unwrap_or(u64::MAX)
            }
            _ => topics.len() as u64,
        }
    }

    /// Whether one of its topics is among those with these hashes, which are in order ([`super::Schemas::hash`]); of a
    /// family with too many topics to know all of them it may be.
    pub fn holds(&self, hashes: &[u64]) -> bool {
        let topics = self.family.known();
        let known = |topic: &u64| hashes.binary_search(topic).is_ok();
        topics.len() == TOPICS || topics.iter().any(known)
    }

    /// Messages per format.
    pub fn formats(&self) -> impl Iterator<Item = (Format, u64)> {
        Format::ALL
            .into_iter()
            .zip(self.family.formats)
            .filter(|&(_, count)| count > 0)
    }

    /// Payload bytes: the least, the mean, the most.
    pub fn bytes(&self) -> (u64, u64, u64) {
        let mean = self.family.bytes / self.family.messages.max(1);
        (
            self.family.least.min(self.family.most),
            mean,
            self.family.most,
        )
    }

    /// Of payloads that are no text: how many, their mean entropy in bits a byte, the bytes that all begin with.
    pub fn binary(&self) -> Option<(u64, f64, &'s [u8])> {
        let family = self.family;
        let magic = family
            .magic
            .get(..usize::from(family.magic_len))
            .unwrap_or(&[]);
        let mean = family.entropy as f64 / 1_000.0 / family.binaries.max(1) as f64;
        (family.binaries > 0).then_some((family.binaries, mean, magic))
    }

    /// Messages that the schema is built from.
    pub fn documents(&self) -> u64 {
        self.view
            .node(self.family.json)
            .map_or(0, |node| u64::from(node.total()))
    }

    /// Writes the JSON Schema of its JSON messages, in 2020-12, to validate the next ones by: ranges and patterns have
    /// room for what was not received yet.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_schema<W: Write>(&self, out: &mut W) -> fmt::Result {
        self.write(out, true)
    }

    /// Writes the JSON Schema of its JSON messages, in 2020-12: of values only what was received.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_description<W: Write>(&self, out: &mut W) -> fmt::Result {
        self.write(out, false)
    }

    fn write<W: Write>(&self, out: &mut W, room: bool) -> fmt::Result {
        out.write_str("{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\"")?;
        if let Some(node) = self
            .view
            .node(self.family.json)
            .filter(|node| node.total() > 0)
        {
            out.write_char(',')?;
            Writer {
                view: self.view,
                out,
                room,
            }
            .body(node, Place::ANY)?;
        }
        out.write_char('}')
    }

    /// How likely the schema accepts the next message, from 0 to 1, and what that is called: each message that came is
    /// judged by what the schema would be without it (as Good and Turing do with what came once), and one that is
    /// refused is added to them, so that few messages are never wholly relied on (Laplace).
    pub fn confidence(&self) -> (f64, Confidence) {
        let documents = self.documents();
        let Some(node) = self.view.node(self.family.json).filter(|_| documents > 0) else {
            return (0.0, Confidence::Low);
        };
        let refused = u64::from(sure::refused(self.view, node)).min(documents);
        let sure = 1.0 - (refused + 1) as f64 / (documents + 2) as f64;
        let level = match sure {
            _ if documents < 10 => Confidence::Low,
            0.95.. => Confidence::High,
            0.80.. => Confidence::Medium,
            _ => Confidence::Low,
        };
        (sure, level)
    }

    /// The first time that the values of a path changed their type, for some paths.
    pub fn type_changes(&self) -> impl Iterator<Item = &'s TypeChange> {
        let root = self.family.json;
        self.view.changes.iter().filter(move |it| it.root == root)
    }

    /// Values of types so rare at their paths that the schema leaves them out.
    pub fn outliers(&self) -> u64 {
        self.view
            .node(self.family.json)
            .map_or(0, |node| self.outliers_in(node))
    }

    fn outliers_in(&self, node: &Node) -> u64 {
        let rare = Type::ALL
            .into_iter()
            .filter(|&of| claim::is_outlier(node, of));
        let here = rare.map(|of| u64::from(node.typed(of))).sum();
        let below = self.view.children(node).filter(|child| !child.is(MOVED));
        below.fold(here, |sum, child| sum + self.outliers_in(child))
    }

    /// Writes what its texts that are not JSON have in common, as a schema of strings, or of what was read in them: pairs,
    /// columns and samples as members, elements of XML with their attributes under `@` and their text at `#`.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_text_schema<W: Write>(&self, out: &mut W) -> fmt::Result {
        match self.view.node(self.family.text) {
            Some(node) => Writer {
                view: self.view,
                out,
                room: false,
            }
            .schema(node, Place::ANY),
            None => out.write_str("{}"),
        }
    }

    /// Strings that came, of the texts that are not JSON: all if they are few, else examples.
    pub fn texts(&self) -> impl Iterator<Item = &'s str> {
        let node = self
            .view
            .node(self.family.text)
            .unwrap_or(const { &Node::NEW });
        claim::values(self.view, node, RowSet::MAX).map(Value::text)
    }

    /// The numbers of a family whose messages are one number each, bare or as the only one beside a time in an object.
    pub fn quantity(&self) -> Option<Quantity> {
        let root = self.view.node(self.family.json)?;
        let is_number =
            |node: &&Node| node.typed(Type::Number) > 0 && node.typed(Type::Number) == node.total();
        let is_time = |node: &&Node| node.min >= LEAST_TIME;
        let node = if root.count(Kind::Object) == root.total() {
            let children = self.view.children(root).filter(|child| !child.is(MOVED));
            let mut numbers = children.filter(is_number).filter(|node| !is_time(node));
            numbers.next().filter(|_| numbers.next().is_none())?
        } else {
            Some(root).filter(is_number)?
        };
        Some(Quantity {
            least: node.min,
            most: node.max,
            whole: node.count(Kind::Fraction) == 0,
        })
    }

    /// The same for families whose messages have the same paths with the same types; formats of text apart.
    pub fn likeness(&self) -> u64 {
        let mut sum = 0u64;
        for root in [self.family.json, self.family.text] {
            sum = sum.rotate_left(7);
            if let Some(node) = self.view.node(root).filter(|node| node.total() > 0) {
                sum = sum.wrapping_add(self.likeness_of(node, 1));
            }
        }
        let apart = self
            .formats()
            .filter(|(format, _)| !super::is_json(*format));
        apart.fold(sum, |sum, (format, _)| {
            hash::mix(sum, format.index() as u64)
        })
    }

    fn likeness_of(&self, node: &Node, around: u64) -> u64 {
        let key = hash::bytes(around, self.view.key(node).as_bytes());
        let types = Type::ALL
            .into_iter()
            .filter(|&of| of != Type::Null && node.typed(of) > 0);
        let types = types.fold(0, |types, of| types | 1u64 << of.code());
        let children = self
            .view
            .children(node)
            .filter(|child| !child.is(MOVED) && child.present > 0);
        children.fold(hash::mix(key, types), |sum, child| {
            sum.wrapping_add(self.likeness_of(child, key))
        })
    }

    /// Goes through the paths of JSON, each with the keys that lead there (`*` for elements and for keys that are data).
    pub fn each_path(&self, mut tell: impl FnMut(&[&'s str], &PathView<'s>)) {
        if let Some(node) = self
            .view
            .node(self.family.json)
            .filter(|node| node.total() > 0)
        {
            self.paths_of(node, &mut heapless::Vec::new(), &mut tell);
        }
    }

    fn paths_of(
        &self,
        node: &'s Node,
        path: &mut heapless::Vec<&'s str, { DEPTH + 1 }>,
        tell: &mut impl FnMut(&[&'s str], &PathView<'s>),
    ) {
        tell(path, &PathView { node });
        for child in self
            .view
            .children(node)
            .filter(|child| !child.is(MOVED) && child.total() > 0)
        {
            let key = if child.is(WILD) {
                "*"
            } else {
                self.view.key(child)
            };
            if path.push(key).is_ok() {
                self.paths_of(child, path, tell);
                path.pop();
            }
        }
    }
}

/// What is known of one path.
#[derive(Clone, Copy, Debug)]
pub struct PathView<'s> {
    node: &'s Node,
}

impl PathView<'_> {
    /// Values that came.
    pub fn count(&self) -> u32 {
        self.node.total()
    }

    /// The types of its values in the words of JSON Schema, each with how many.
    pub fn types(&self) -> impl Iterator<Item = (&'static str, u32)> {
        const NAMES: [&str; 6] = ["null", "boolean", "number", "string", "object", "array"];
        let counts = Type::ALL.map(|of| self.node.typed(of));
        NAMES
            .into_iter()
            .zip(counts)
            .filter(|&(_, count)| count > 0)
    }

    /// Times that a value had another type than the one before (null goes with any), and when last, in microseconds.
    pub fn changes(&self) -> (u32, u64) {
        (self.node.changes, self.node.changed)
    }
}
