//! What the tree is made of: a node for each path. Nodes are monoids: counts add, extremes widen, sets unite.
//! Elsewhere: what else it is made of (`row`), where all live (`store`).

/// No node, row or value.
pub(super) const NONE: u32 = u32::MAX;
/// Members of an object that rows tell apart: one bit each.
pub(super) const PLACES: u16 = 256;
/// Not told apart in rows.
pub(super) const NO_PLACE: u16 = u16::MAX;
/// Rows of an object: one bit each in a value.
pub(super) const ROWS: u8 = 128;
/// Index of a row that became part of the one that `next` names.
pub(super) const MOVED_ROW: u8 = u8::MAX;
/// Some rows of an object, by their indices.
pub(super) type RowSet = u128;
/// Bytes of a string that is kept as a value; states, names and identifiers are shorter.
pub(super) const VALUE_BYTES: usize = 55;
/// Distinct strings of a path that can be an enumeration.
pub(super) const VALUES: u8 = 20;
/// Strings that are kept as examples where there are more.
pub(super) const EXAMPLES: u8 = 3;
/// Positions of an array that a tuple is told by.
pub(super) const TUPLE: usize = 8;

/// Seconds since 1970 in the year 2001; smaller numbers are no times.
pub(super) const LEAST_TIME: f64 = 1_000_000_000.0;

/// What a value is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Null,
    False,
    True,
    Integer,
    Fraction,
    String,
    Object,
    Array,
}

impl Kind {
    /// How many there are.
    pub(super) const COUNT: usize = 8;

    /// Which type of JSON: the same for true and false, for integers and fractions.
    pub(super) const fn kind_type(self) -> Type {
        match self {
            Self::Null => Type::Null,
            Self::False | Self::True => Type::Boolean,
            Self::Integer | Self::Fraction => Type::Number,
            Self::String => Type::String,
            Self::Object => Type::Object,
            Self::Array => Type::Array,
        }
    }
}

/// A type of JSON, as rows hold it in three bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Type {
    Null,
    Boolean,
    Number,
    String,
    Object,
    Array,
}

impl Type {
    pub(super) const ALL: [Self; 6] = [
        Self::Null,
        Self::Boolean,
        Self::Number,
        Self::String,
        Self::Object,
        Self::Array,
    ];

    pub(super) const fn code(self) -> u8 {
        self as u8
    }
}

/// Something of an object or array is not in the tree: it is left open.
pub(super) const OPEN: u8 = 1;
/// Has a child for all keys that are alike identifiers.
pub(super) const MAPPED: u8 = 2;
/// Is that child, or the child for all elements of an array.
pub(super) const WILD: u8 = 4;
/// More distinct strings than [`VALUES`]; what is kept are examples.
pub(super) const MANY: u8 = 8;
/// Objects came whose members no row holds.
pub(super) const ROWLESS: u8 = 16;
/// Became part of the node that `start` names.
pub(super) const MOVED: u8 = 32;

/// A path of a schema's tree.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    /// Front of the key with quote and colon behind it, and which bits that are; for a quick look.
    pub(super) front: u128,
    pub(super) mask: u128,
    pub(super) key: u32,
    pub(super) key_len: u16,
    pub(super) place: u16,
    pub(super) flags: u8,
    pub(super) child: u32,
    pub(super) next: u32,
    /// The child that came first, and the sibling that came behind, last time.
    pub(super) start: u32,
    pub(super) after: u32,
    pub(super) rows: u32,
    pub(super) last_row: u32,
    pub(super) values: u32,
    /// With too many values: hashes from this on are of none that would be kept.
    pub(super) beyond: u64,
    pub(super) distinct: u8,
    /// Strings that had come when the last new one came.
    pub(super) settled: u32,
    pub(super) row_count: u8,
    pub(super) named: u16,
    pub(super) last_type: u8,
    pub(super) strings: Strings,
    /// Times that a value had another type than the one before, and when last, in microseconds.
    pub(super) changes: u32,
    pub(super) changed: u64,
    pub(super) counts: [u32; Kind::COUNT],
    /// Objects that had it; a key that comes twice in one counts once.
    pub(super) present: u32,
    pub(super) stamp: u64,
    pub(super) min: f64,
    pub(super) max: f64,
    /// Numbers greater, and less, than the one before.
    pub(super) last: f64,
    pub(super) ups: u32,
    pub(super) downs: u32,
    /// Numbers that are as large as times: the earliest and the latest, each with when it came, in microseconds.
    pub(super) clock: [(u64, f64); 2],
    pub(super) least_items: u32,
    pub(super) most_items: u32,
    pub(super) tuple: [u8; TUPLE],
}

/// What all strings of a path have in common.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Strings {
    /// Formats that every one is of, see `text`.
    pub(super) formats: u32,
    /// Classes of characters that came.
    pub(super) classes: u32,
    /// Hash of their one outline; zero if there is none, or more than one.
    pub(super) outline: u64,
    pub(super) mixed: bool,
    /// Characters.
    pub(super) least: u32,
    pub(super) most: u32,
}

impl Strings {
    pub(super) const NONE: Self = Self {
        formats: u32::MAX,
        classes: 0,
        outline: 0,
        mixed: false,
        least: u32::MAX,
        most: 0,
    };

    pub(super) fn merge(&mut self, other: &Self) {
        self.formats &= other.formats;
        self.classes |= other.classes;
        self.least = self.least.min(other.least);
        self.most = self.most.max(other.most);
        self.mixed |= other.mixed;
        match (self.outline, other.outline) {
            (_, 0) => {}
            (0, theirs) => self.outline = theirs,
            (ours, theirs) => self.mixed |= ours != theirs,
        }
    }
}

impl Default for Node {
    fn default() -> Self {
        Self::NEW
    }
}

impl Node {
    pub(super) const NEW: Self = Self {
        front: 0,
        mask: 0,
        key: 0,
        key_len: 0,
        place: NO_PLACE,
        flags: 0,
        child: NONE,
        next: NONE,
        start: NONE,
        after: NONE,
        rows: NONE,
        last_row: NONE,
        values: NONE,
        beyond: u64::MAX,
        distinct: 0,
        settled: 0,
        row_count: 0,
        named: 0,
        last_type: 0,
        strings: Strings::NONE,
        changes: 0,
        changed: 0,
        counts: [0; Kind::COUNT],
        present: 0,
        stamp: 0,
        min: f64::INFINITY,
        max: f64::NEG_INFINITY,
        last: f64::NAN,
        ups: 0,
        downs: 0,
        clock: [(u64::MAX, f64::NAN), (0, f64::NAN)],
        least_items: u32::MAX,
        most_items: 0,
        tuple: [0; TUPLE],
    };

    pub(super) fn is(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    pub(super) fn count(&self, kind: Kind) -> u32 {
        self.counts.get(kind as usize).copied().unwrap_or(0)
    }

    /// Values of all types.
    pub(super) fn total(&self) -> u32 {
        self.counts.iter().fold(0, |sum, &n| sum.saturating_add(n))
    }

    pub(super) fn typed(&self, of: Type) -> u32 {
        let two = |a, b| self.count(a).saturating_add(self.count(b));
        match of {
            Type::Null => self.count(Kind::Null),
            Type::Boolean => two(Kind::False, Kind::True),
            Type::Number => two(Kind::Integer, Kind::Fraction),
            Type::String => self.count(Kind::String),
            Type::Object => self.count(Kind::Object),
            Type::Array => self.count(Kind::Array),
        }
    }

    /// One more of a kind, at a time in microseconds; whether it is of another type than the one before.
    #[inline]
    pub(super) fn tally(&mut self, kind: Kind, at: u64) -> bool {
        if let Some(count) = self.counts.get_mut(kind as usize) {
            *count = count.saturating_add(1);
        }
        let code = kind.kind_type().code();
        if code == 0 || code == self.last_type {
            return false;
        }
        let changed = self.last_type != 0;
        if changed {
            self.changes = self.changes.saturating_add(1);
            self.changed = self.changed.max(at);
        }
        self.last_type = code;
        changed
    }

    #[inline]
    pub(super) fn number(&mut self, value: f64, at: u64) {
        if value >= LEAST_TIME {
            self.time(at, value);
        }
        if value < self.min {
            self.min = value;
        }
        if value > self.max {
            self.max = value;
        }
        self.ups = self.ups.saturating_add(u32::from(value > self.last));
        self.downs = self.downs.saturating_add(u32::from(value < self.last));
        self.last = value;
    }

    /// A number that may be a time.
    fn time(&mut self, at: u64, value: f64) {
        let [first, last] = &mut self.clock;
        if at < first.0 {
            *first = (at, value);
        }
        if at >= last.0 {
            *last = (at, value);
        }
    }

    /// Adds the counts of another; what is linked to it stays with it.
    pub(super) fn add(&mut self, other: &Self) {
        for (ours, theirs) in self.counts.iter_mut().zip(other.counts) {
            *ours = ours.saturating_add(theirs);
        }
        for (ours, theirs) in self.tuple.iter_mut().zip(other.tuple) {
            *ours |= theirs;
        }
        self.flags |= other.flags & (OPEN | ROWLESS);
        self.present = self.present.saturating_add(other.present);
        self.changes = self.changes.saturating_add(other.changes);
        self.changed = self.changed.max(other.changed);
        let other_type = other.last_type != 0 && self.last_type != other.last_type;
        if self.last_type == 0 {
            self.last_type = other.last_type;
        } else if other_type {
            self.changes = self.changes.saturating_add(1);
        }
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.settled = self.settled.saturating_add(other.settled);
        for (at, value) in other.clock.into_iter().filter(|(_, value)| !value.is_nan()) {
            self.time(at, value);
        }
        self.ups = self.ups.saturating_add(other.ups);
        self.downs = self.downs.saturating_add(other.downs);
        if self.last.is_nan() {
            self.last = other.last;
        }
        self.least_items = self.least_items.min(other.least_items);
        self.most_items = self.most_items.max(other.most_items);
        self.strings.merge(&other.strings);
    }

    pub(super) fn set_key(&mut self, at: u32, key: &str) {
        self.key = at;
        self.key_len = u16::try_from(key.len()).unwrap_or(0);
        let plain = key.bytes().all(|b| b > 0x1f && b != b'"' && b != b'\\');
        if key.len() > 14 || !plain {
            return;
        }
        let (mut front, mut mask) = ([0; 16], [0; 16]);
        let bytes = key.bytes().chain([b'"', b':']);
        for ((to, bits), byte) in front.iter_mut().zip(&mut mask).zip(bytes) {
            (*to, *bits) = (byte, u8::MAX);
        }
        self.front = u128::from_le_bytes(front);
        self.mask = u128::from_le_bytes(mask);
    }
}
