//! The latest values of a stream.

use std::collections::VecDeque;

/// Holds at most `limit` values; the oldest goes first.
pub(super) struct Ring<T> {
    limit: usize,
    values: VecDeque<T>,
}

impl<T> Ring<T> {
    pub(super) const fn new(limit: usize) -> Self {
        let values = VecDeque::new();
        Self { limit, values }
    }

    pub(super) fn push(&mut self, value: T) {
        if self.values.len() >= self.limit {
            self.values.pop_front();
        }
        self.values.push_back(value);
    }

    /// The oldest first.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.values.iter()
    }

    pub(super) fn last_mut(&mut self) -> Option<&mut T> {
        self.values.back_mut()
    }

    /// Takes out the first value that is meant.
    pub(super) fn take(&mut self, meant: impl FnMut(&T) -> bool) -> Option<T> {
        let at = self.values.iter().position(meant)?;
        self.values.remove(at)
    }
}
