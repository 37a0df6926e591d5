//! A set of slot numbers below 64 in one word, and its members in order.

/// Slot numbers, one bit each.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Bits(pub(super) u64);

impl Bits {
    pub(super) const EMPTY: Self = Self(0);

    /// Only `slot`.
    pub(super) const fn one(slot: u8) -> Self {
        Self(1 << (slot & 63))
    }

    /// The first `count` slots.
    pub(super) fn first(count: usize) -> Self {
        let mut all = Self::EMPTY;
        for slot in (0..64_u8).take(count) {
            all.insert(slot);
        }
        all
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) const fn contains(self, slot: u8) -> bool {
        self.0 & Self::one(slot).0 != 0
    }

    pub(super) const fn insert(&mut self, slot: u8) {
        self.0 |= Self::one(slot).0;
    }

    pub(super) const fn remove(&mut self, slot: u8) {
        self.0 &= !Self::one(slot).0;
    }

    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The lowest member.
    pub(super) fn lowest(self) -> Option<u8> {
        if self.is_empty() {
            None
        } else {
            u8::try_from(self.0.trailing_zeros()).ok()
        }
    }
}

impl Iterator for Bits {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let slot = self.lowest()?;
        self.remove(slot);
        Some(slot)
    }
}
