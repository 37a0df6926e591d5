//! Which sets of members belong together: the kinds of objects that one path has. Rows are joined as long as that makes
//! the description shorter (a minimum description length): members that come and go by themselves are optional ones of
//! one kind, members that come together make a kind. [`Common`] is what the sets of a kind have in common, and whether
//! an object can be of two kinds. Invariant: deterministic; every row is in one kind.

use super::claim;
use super::node::*;
use super::row::*;
use super::store::View;

/// Kinds of objects of one path that are told apart.
pub(super) const KINDS: usize = 40;
/// Bits that a kind costs, and each of its members.
const KIND_BITS: f64 = 8.0;
const MEMBER_BITS: f64 = 2.0;

/// Kinds, each as a set of rows by their indices.
pub(super) struct Kinds {
    rows: [RowSet; ROWS as usize],
    count: usize,
}

impl Kinds {
    pub(super) fn iter(&self) -> impl Iterator<Item = RowSet> + '_ {
        self.rows.iter().take(self.count).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Of the objects of a node.
    pub(super) fn of(view: View<'_>, node: &Node) -> Self {
        let mut kinds = Self {
            rows: [0; ROWS as usize],
            count: 0,
        };
        if node.is(ROWLESS | MAPPED | OPEN) {
            return kinds.one();
        }
        for row in view.rows(node).filter(|row| row.count > 0) {
            if let Some(place) = kinds.rows.get_mut(kinds.count) {
                *place = 1 << row.index;
                kinds.count += 1;
            }
        }
        if kinds.count > 1 {
            Joining {
                view,
                node,
                total: node.count(Kind::Object),
            }
            .join(&mut kinds);
        }
        if kinds.count == 0 { kinds.one() } else { kinds }
    }

    fn one(mut self) -> Self {
        if let Some(all) = self.rows.first_mut() {
            *all = RowSet::MAX;
        }
        self.count = 1;
        self
    }

    /// Whether no object can be of two of them, as they are written; kinds whose optional members overlap can.
    pub(super) fn are_apart(&self, view: View<'_>, node: &Node) -> bool {
        self.iter().enumerate().all(|(n, kind)| {
            let mut before = self.iter().take(n);
            Common::of(view, node, kind).is_none_or(|kind| {
                before.all(|other| {
                    let other = Common::of(view, node, other);
                    other.is_none_or(|other| kind.excludes(&other, view, node))
                })
            })
        })
    }

    fn get(&self, i: usize) -> RowSet {
        self.rows.get(i).copied().unwrap_or(0)
    }
}

struct Joining<'v, 'n> {
    view: View<'v>,
    node: &'n Node,
    total: u32,
}

impl Joining<'_, '_> {
    fn join(&self, kinds: &mut Kinds) {
        let mut costs = [0.0; ROWS as usize];
        for (cost, rows) in costs.iter_mut().zip(kinds.iter()) {
            *cost = self.cost(rows);
        }
        let mut gains = [f32::NEG_INFINITY; PAIRS];
        for a in 0..kinds.count {
            for b in 0..a {
                self.note(&mut gains, kinds, &costs, a, b);
            }
        }
        while kinds.count > 1 {
            let mut best = (f32::NEG_INFINITY, 0, 0);
            for (a, b) in (1..kinds.count).flat_map(|a| (0..a).map(move |b| (a, b))) {
                let gain = gains.get(pair(a, b)).copied().unwrap_or(f32::NEG_INFINITY);
                if gain > best.0 {
                    best = (gain, a, b);
                }
            }
            let (gain, a, b) = best;
            if a == b || gain <= 0.0 && kinds.count <= KINDS {
                break;
            }
            let joined = kinds.get(a) | kinds.get(b);
            let last = kinds.count - 1;
            let moved = kinds.get(last);
            // The last one takes the place of the second.
            for (place, rows) in [(a, moved), (b, joined)] {
                if let (Some(kind), Some(cost)) = (kinds.rows.get_mut(place), costs.get_mut(place))
                {
                    (*kind, *cost) = (rows, self.cost(rows));
                }
            }
            kinds.count = last;
            for i in [a, b] {
                for j in (0..kinds.count).filter(|&j| j != i && i < kinds.count) {
                    self.note(&mut gains, kinds, &costs, i.max(j), i.min(j));
                }
            }
        }
    }

    fn note(
        &self,
        gains: &mut [f32; PAIRS],
        kinds: &Kinds,
        costs: &[f64; ROWS as usize],
        a: usize,
        b: usize,
    ) {
        if let Some(gain) = gains.get_mut(pair(a, b)) {
            *gain = self.gain(kinds, costs, a, b);
        }
    }

    #[allow(clippy::cast_possible_truncation)] // bits; a rounding does not matter
    fn gain(&self, kinds: &Kinds, costs: &[f64; ROWS as usize], a: usize, b: usize) -> f32 {
        let cost = |i: usize| costs.get(i).copied().unwrap_or(0.0);
        let (ours, theirs) = (kinds.get(a), kinds.get(b));
        let mut gain = cost(a) + cost(b) - self.cost(ours | theirs);
        if self.tagged(ours, theirs) {
            let (n, m) = (f64::from(self.count(ours)), f64::from(self.count(theirs)));
            gain -= n * (log2(n + m) - log2(n)) + m * (log2(n + m) - log2(m));
        }
        gain as f32
    }

    fn count(&self, rows: RowSet) -> u32 {
        let inside = self
            .view
            .rows(self.node)
            .filter(|row| rows >> row.index & 1 == 1);
        inside.fold(0, |sum, row| sum.saturating_add(row.count))
    }

    /// Bits to say of each object of these rows that it is of this kind, and which members it has.
    fn cost(&self, rows: RowSet) -> f64 {
        let count = self.count(rows);
        let mut bits = f64::from(count)
            * (log2(f64::from(self.total.max(1))) - log2(f64::from(count.max(1))))
            + KIND_BITS;
        let (mut any, mut mixed) = (Bits::default(), Bits::default());
        let mut first: Option<&Set> = None;
        let rows = || {
            self.view
                .rows(self.node)
                .filter(move |row| rows >> row.index & 1 == 1)
        };
        for row in rows() {
            let first = first.get_or_insert(&row.set);
            any = any.with(row.set.present, |a, b| a | b);
            mixed = mixed.with(row.set.present.with(first.present, |a, b| a ^ b), |a, b| {
                a | b
            });
            for (ours, theirs) in row.set.planes.into_iter().zip(first.planes) {
                mixed = mixed.with(ours.with(theirs, |a, b| a ^ b), |a, b| a | b);
            }
        }
        bits += MEMBER_BITS
            * any
                .0
                .iter()
                .fold(0.0, |sum, word| sum + f64::from(word.count_ones()));
        mixed
            .iter()
            .fold(bits, |bits, place| bits + entropy(place, rows()))
    }

    /// Whether some string that all have is never the same in the one and the other.
    fn tagged(&self, ours: RowSet, theirs: RowSet) -> bool {
        let is_tag = |child: &&Node| {
            let strings = |rows: RowSet| {
                let mut rows = self
                    .view
                    .rows(self.node)
                    .filter(|row| rows >> row.index & 1 == 1);
                rows.all(|row| row.set.code(child.place) == Type::String.code())
            };
            let apart =
                || claim::values(self.view, child, ours).all(|value| value.rows & theirs == 0);
            !child.is(MANY) && child.place < PLACES && strings(ours) && strings(theirs) && apart()
        };
        self.view.children(self.node).any(|child| is_tag(&child))
    }
}

/// Bits to say for each object of these rows what it has at a place: nothing, or a value of which type. Null goes
/// with any type.
fn entropy<'r>(place: u16, rows: impl Iterator<Item = &'r Row>) -> f64 {
    let mut counts = [0u32; 8];
    for row in rows {
        let code = usize::from(row.set.code(place));
        let slot = match (row.set.has(place), code) {
            (false, _) => 7,
            (true, 0) => continue,
            (true, code) => code,
        };
        if let Some(count) = counts.get_mut(slot) {
            *count = count.saturating_add(row.count);
        }
    }
    let total = counts.iter().fold(0.0, |sum, &n| sum + f64::from(n));
    let parts = counts
        .iter()
        .filter(|&&n| n > 0)
        .map(|&n| f64::from(n) * log2(f64::from(n)));
    total * log2(total) - parts.fold(0.0, |sum, part| sum + part)
}

/// What rows have in common.
#[derive(Clone, Copy)]
pub(super) struct Common {
    rows: RowSet,
    /// Members that all have, and that any has.
    all: Bits,
    any: Bits,
    /// Where a member is of a type; null, which goes with any, is left out.
    types: [Bits; Type::ALL.len() - 1],
}

impl Common {
    /// None if there are no such rows.
    pub(super) fn of(view: View<'_>, node: &Node, rows: RowSet) -> Option<Self> {
        let inside = |row: &&Row| rows >> row.index & 1 == 1 && row.count > 0;
        let mut of = view.rows(node).filter(inside).peekable();
        let first = of.peek()?.set.present;
        let mut common = Self {
            rows,
            all: first,
            any: first,
            types: [Bits::default(); _],
        };
        for row in of {
            common.all = common.all.and(row.set.present);
            common.any = common.any.or(row.set.present);
            for (places, code) in common.types.iter_mut().zip(1..) {
                *places = places.or(row.set.of(code));
            }
        }
        Some(common)
    }

    /// Whether they lead one to expect a set: nothing that all have is missing, nothing is of a type that none has, and
    /// with `closed` nothing is there that none has.
    pub(super) fn implies(&self, set: &Set, closed: bool) -> bool {
        let known = |(places, code): (&Bits, u8)| set.of(code).and(self.any).is_in(*places);
        self.all.is_in(set.present)
            && (!closed || set.present.is_in(self.any))
            && self.types.iter().zip(1..).all(known)
    }

    /// Whether no object can be of both of two closed kinds, as they are written: the one requires what the other does
    /// not have, or both require a member that is of other types, or a tag.
    pub(super) fn excludes(&self, other: &Self, view: View<'_>, node: &Node) -> bool {
        if !self.all.is_in(other.any) || !other.all.is_in(self.any) {
            return true;
        }
        let both = self.all.and(other.all);
        let mut shared = Bits::default();
        for (ours, theirs) in self.types.iter().zip(other.types) {
            shared = shared.or(ours.and(theirs));
        }
        let apart = |child: &Node| {
            let types = !shared.has(child.place) || self.tag(other, view, child);
            let rare = |of: &Type| claim::is_outlier(child, *of);
            both.has(child.place)
                && child.count(Kind::Null) == 0
                && !Type::ALL.iter().any(rare)
                && types
        };
        view.children(node).any(apart)
    }

    /// Whether a member is written as other strings for the one than for the other; words that come in pairs are
    /// written with the other word of the pair.
    fn tag(&self, other: &Self, view: View<'_>, child: &Node) -> bool {
        let only_strings = |of: &Self| {
            let mut others = of.types.iter().zip(1..);
            others.all(|(places, code)| code == Type::String.code() || !places.has(child.place))
        };
        let written = |of: &Self, than: &Self| {
            claim::is_enumeration(view, child, of.rows)
                && claim::values(view, child, of.rows).all(|value| {
                    value.rows & than.rows == 0 && claim::opposite(value.text()).is_none()
                })
        };
        only_strings(self) && only_strings(other) && written(self, other) && written(other, self)
    }
}

/// Pairs of rows.
const PAIRS: usize = ROWS as usize * (ROWS as usize - 1) / 2;

const fn pair(a: usize, b: usize) -> usize {
    a * (a - 1) / 2 + b
}

/// Binary logarithm of a number of at least one, to about four digits.
pub(super) fn log2(x: f64) -> f64 {
    if x < 1.0 {
        return 0.0;
    }
    let bits = x.to_bits();
    let exponent = i32::try_from(bits >> 52 & 0x7ff).unwrap_or(1_023) - 1_023;
    let mantissa = f64::from_bits(bits & ((1 << 52) - 1) | 1_023 << 52);
    // ln(m) = 2 atanh((m − 1) / (m + 1))
    let t = (mantissa - 1.0) / (mantissa + 1.0);
    let square = t * t;
    let series = 1.0 + square * (1.0 / 3.0 + square * (0.2 + square * (1.0 / 7.0 + square / 9.0)));
    f64::from(exponent) + 2.0 * core::f64::consts::LOG2_E * t * series
}
