//! What a node links to: rows, one for each set of members that an object had, and values, one for each distinct string.
//! Invariant: the rows of an object differ; a value's rows are those of the object around it.

use super::node::*;

/// A set of members that objects of one path had: which, and of what types.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub(super) set: Set,
    pub(super) count: u32,
    /// The message that had it first, as a hash.
    pub(super) first: u32,
    pub(super) next: u32,
    pub(super) index: u8,
}

impl Default for Row {
    fn default() -> Self {
        Self {
            set: Set::default(),
            count: 0,
            first: 0,
            next: NONE,
            index: 0,
        }
    }
}

/// One bit for each place.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Bits(pub(super) [u64; PLACES as usize / 64]);

impl Bits {
    #[inline]
    pub(super) fn set(&mut self, place: u16) {
        if let Some(word) = self.0.get_mut(usize::from(place / 64)) {
            *word |= 1 << (place % 64);
        }
    }

    pub(super) fn has(&self, place: u16) -> bool {
        self.0
            .get(usize::from(place / 64))
            .is_some_and(|word| word >> (place % 64) & 1 == 1)
    }

    pub(super) fn and(self, other: Self) -> Self {
        self.with(other, |a, b| a & b)
    }

    pub(super) fn or(self, other: Self) -> Self {
        self.with(other, |a, b| a | b)
    }

    /// Whether all of these are among others.
    pub(super) fn is_in(self, others: Self) -> bool {
        self.with(others, |a, b| a & !b) == Self::default()
    }

    /// The places that are set, in order.
    pub(super) fn iter(self) -> impl Iterator<Item = u16> {
        (0..).step_by(64).zip(self.0).flat_map(|(first, mut word)| {
            core::iter::from_fn(move || {
                let place = word.trailing_zeros();
                word &= word.wrapping_sub(1);
                (place < 64).then(|| first + u16::try_from(place).unwrap_or(0))
            })
        })
    }

    /// Word by word.
    pub(super) fn with(mut self, other: Self, both: impl Fn(u64, u64) -> u64) -> Self {
        for (ours, theirs) in self.0.iter_mut().zip(other.0) {
            *ours = both(*ours, theirs);
        }
        self
    }
}

/// Members by their places; a type in three bits each, null in none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Set {
    pub(super) present: Bits,
    pub(super) planes: [Bits; 3],
}

impl Set {
    #[inline]
    pub(super) fn mark(&mut self, place: u16, code: u8) {
        self.present.set(place);
        for (i, plane) in self.planes.iter_mut().enumerate() {
            if code >> i & 1 == 1 {
                plane.set(place);
            }
        }
    }

    /// The code of the type at a place; zero for null, and for what is not there.
    pub(super) fn code(&self, place: u16) -> u8 {
        let mut code = 0;
        for (i, plane) in self.planes.iter().enumerate() {
            code |= u8::from(plane.has(place)) << i;
        }
        code
    }

    pub(super) fn has(&self, place: u16) -> bool {
        self.present.has(place)
    }

    /// The places where the type of a code is.
    pub(super) fn of(&self, code: u8) -> Bits {
        let mut places = self.present;
        for (i, plane) in self.planes.iter().enumerate() {
            let is = code >> i & 1 == 1;
            places = places.with(*plane, |a, b| if is { a & b } else { a & !b });
        }
        places
    }
}

/// A distinct string of a path.
#[derive(Clone, Copy, Debug)]
pub struct Value {
    pub(super) hash: u64,
    /// Rows of the object around it in which it came.
    pub(super) rows: RowSet,
    pub(super) count: u32,
    pub(super) next: u32,
    pub(super) len: u8,
    pub(super) text: [u8; VALUE_BYTES],
}

impl Default for Value {
    fn default() -> Self {
        Self {
            hash: 0,
            rows: 0,
            count: 0,
            next: NONE,
            len: 0,
            text: [0; VALUE_BYTES],
        }
    }
}

impl Value {
    /// None if the text is too long to be kept.
    pub(super) fn new(hash: u64, text: &str) -> Option<Self> {
        let mut value = Self {
            hash,
            count: 1,
            len: u8::try_from(text.len()).ok()?,
            ..Self::default()
        };
        value
            .text
            .get_mut(..text.len())?
            .copy_from_slice(text.as_bytes());
        Some(value)
    }

    pub(super) fn text(&self) -> &str {
        let bytes = self.text.get(..usize::from(self.len)).unwrap_or(&[]);
        core::str::from_utf8(bytes).unwrap_or("")
    }
}
