//! What a message says, as it stands with a candidate: numbers and states by their places in the tables.
//!
//! The choice adds up what candidates show, so each carries this list behind its reason. Written as two bytes of
//! place and eight of number, then two bytes a state, all little-endian. Invariant: at most [`BYTES`].

use crate::payload::{MAX_NUMBERS, MAX_STATES};
use heapless::Vec;

const NUMBER: usize = 10;
const STATE: usize = 2;
/// Bytes of the longest list.
pub(super) const BYTES: usize = MAX_NUMBERS * NUMBER + MAX_STATES * STATE;

/// The list, readable.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks {
    /// Place of the path, number.
    pub(super) numbers: Vec<(u16, f64), MAX_NUMBERS>,
    /// Place of the value of a state.
    pub(super) states: Vec<u16, MAX_STATES>,
}

impl Marks {
    /// Writes the list into as many bytes as it takes ([`size`]).
    pub(super) fn write(&self, room: &mut [u8]) {
        let Some((numbers, states)) = room.split_at_mut_checked(self.numbers.len() * NUMBER) else {
            return;
        };
        let numbers = numbers.as_chunks_mut::<NUMBER>().0.iter_mut();
        for ([a, b, number @ ..], mine) in numbers.zip(&self.numbers) {
            [*a, *b] = mine.0.to_le_bytes();
            *number = mine.1.to_le_bytes();
        }
        let states = states.as_chunks_mut::<STATE>().0.iter_mut();
        for (state, mine) in states.zip(&self.states) {
            *state = mine.to_le_bytes();
        }
    }
}

/// The list as bytes, of which so many are of numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written<'a> {
    numbers: &'a [u8],
    states: &'a [u8],
}

impl<'a> Written<'a> {
    /// A list with so many numbers.
    pub(super) fn new(bytes: &'a [u8], numbers: u8) -> Self {
        let (numbers, states) = bytes
            .split_at_checked(usize::from(numbers) * NUMBER)
            .unwrap_or((&[], &[]));
        Self { numbers, states }
    }

    pub(super) fn numbers(self) -> impl Iterator<Item = (u16, f64)> {
        self.numbers
            .as_chunks::<NUMBER>()
            .0
            .iter()
            .map(|&[a, b, n @ ..]| (u16::from_le_bytes([a, b]), f64::from_le_bytes(n)))
    }

    pub(super) fn states(self) -> impl Iterator<Item = u16> {
        let places = self.states.as_chunks::<STATE>().0.iter();
        places.map(|&place| u16::from_le_bytes(place))
    }
}

/// Bytes of a list of so many numbers and states.
pub(super) fn size(numbers: u8, states: u8) -> usize {
    usize::from(numbers) * NUMBER + usize::from(states) * STATE
}
