//! Numbers and states: the extremes of each number, what stands out from it, the values of each state.
//!
//! First everything that a message says gets its place in the tables (`mark`), then it may become a candidate.

use super::Pruner;
use super::marks::Marks;
use super::store::{NONE, Slot};
use super::strata::*;
use crate::payload::{Facts, hash};

impl<S, B> Pruner<S, B>
where
    S: AsMut<[Slot]> + AsRef<[Slot]>,
    B: AsMut<[u8]> + AsRef<[u8]>,
{
    /// What a message says, by places in the tables; what finds none there is left out.
    #[inline]
    pub(super) fn mark(&mut self, facts: &Facts<'_>) -> Marks {
        let mut marks = Marks::default();
        for &(path, number) in &facts.numbers {
            if let Some(place) = self.path_place(path.max(1), number) {
                let _ = marks.numbers.push((place, number));
            }
        }
        for &(path, value) in &facts.states {
            let key = hash::mix(path, value).max(1);
            if let Some(place) = self.state_place(path.max(1), key) {
                let _ = marks.states.push(place);
            }
        }
        marks
    }

    /// Place of a numeric path, entered with `number` if it is new.
    #[inline]
    pub(super) fn path_place(&mut self, hash: u64, number: f64) -> Option<u16> {
        let (place, known) = self.paths.find(hash)?;
        if !known {
            let path = Path {
                hash,
                min: number,
                max: number,
                ..Path::EMPTY
            };
            self.paths.put(place, path);
        }
        u16::try_from(place).ok()
    }

    /// Place of the value `key` of the state at `path`, entered if it is new; none if the path has too many of them
    /// to be a state.
    #[inline]
    pub(super) fn state_place(&mut self, path: u64, key: u64) -> Option<u16> {
        let (place, known) = self.states.find(key)?;
        if !known {
            return self.new_state(path, key);
        }
        let state = self.states.get(place)?;
        (state.path != NONE).then_some(u16::try_from(place).ok()?)
    }

    fn new_state(&mut self, path: u64, key: u64) -> Option<u16> {
        let (path_place, known) = self.state_paths.find(path)?;
        if !known {
            let hash = path;
            let entry = StatePath {
                hash,
                ..StatePath::EMPTY
            };
            self.state_paths.put(path_place, entry);
        }
        let entry = *self.state_paths.get(path_place)?;
        if entry.count == StatePath::TEXT {
            return None;
        }
        let count = usize::from(entry.count);
        if count >= STATE_VALUES {
            self.dissolve(path_place);
            return None;
        }
        let (place, _) = self.states.find(key)?;
        let state = State {
            hash: key,
            path: u16::try_from(path_place).ok()?,
            ..State::EMPTY
        };
        self.states.put(place, state);
        let place = u16::try_from(place).ok()?;
        let entry = self.state_paths.get_mut(path_place)?;
        entry.count += 1;
        *entry.values.get_mut(count)? = place;
        Some(place)
    }

    /// So many values are no state: their candidates are let go.
    pub(super) fn dissolve(&mut self, path_place: usize) {
        let Some(path) = self.state_paths.get_mut(path_place) else {
            return;
        };
        path.count = StatePath::TEXT;
        for place in core::mem::replace(&mut path.values, StatePath::EMPTY.values) {
            if let Some(state) = self.states.get_mut(usize::from(place)) {
                state.path = NONE;
                let slot = core::mem::replace(&mut state.slot, NONE);
                self.store.release(slot);
            }
        }
    }

    /// Extremes of each number, and what stands out.
    pub(super) fn note_numbers(&mut self, marks: &Marks, mine: &mut u16) {
        for &(place, number) in &marks.numbers {
            let place = usize::from(place);
            let Some(path) = self.paths.get_mut(place) else {
                continue;
            };
            let score = path.learn(number);
            let known = *path;
            if score > 0.0 {
                self.note_spike(known.hash, score, mine);
            }
            // A step beyond an extreme must be worth it, so that a counter does not make every message one.
            let step = (known.max - known.min) / 128.0;
            let first = known.seen == 1;
            let (high, low) = (number > known.max + step, number < known.min - step);
            if !(high || low || first) {
                continue;
            }
            let held = known.hash <= self.values_below;
            let sides = [(true, high || first), (false, low || first)];
            for (is_high, _) in sides.into_iter().filter(|side| side.1) {
                let slot = if held { self.want(mine) } else { NONE };
                let Some(path) = self.paths.get_mut(place).filter(|_| slot != NONE || !held) else {
                    continue;
                };
                let (bound, holder) = if is_high {
                    (&mut path.max, &mut path.high)
                } else {
                    (&mut path.min, &mut path.low)
                };
                *bound = number;
                let old = core::mem::replace(holder, slot);
                self.store.release(old);
            }
        }
    }

    /// Puts a number among those that stood out most, a few of each path.
    pub(super) fn note_spike(&mut self, path: u64, score: f64, mine: &mut u16) {
        if let Some(place) = self.spike_place(path, score) {
            let slot = self.want(mine);
            self.put_spike(place, Spike { score, path, slot });
        }
    }

    /// The place that a spike would take; none if it stands out too little. One behind the last is a new one.
    pub(super) fn spike_place(&self, path: u64, score: f64) -> Option<usize> {
        let of_path = self.spikes.iter().filter(|spike| spike.path == path);
        let crowd = of_path.count() >= SPIKES_OF_PATH;
        if !crowd && !self.spikes.is_full() {
            return Some(self.spikes.len());
        }
        let mut known = self.spikes.iter().enumerate();
        let first = known.find(|(_, spike)| !crowd || spike.path == path)?;
        let rest = known.filter(|(_, spike)| !crowd || spike.path == path);
        let least = rest.fold(first, |a, b| if b.1.score < a.1.score { b } else { a });
        (least.1.score < score).then_some(least.0)
    }

    /// Puts a spike, of which the reference is taken over, at its place.
    pub(super) fn put_spike(&mut self, place: usize, spike: Spike) {
        if spike.slot == NONE {
            return;
        }
        let gone = match self.spikes.get_mut(place) {
            Some(known) => core::mem::replace(known, spike).slot,
            None => self
                .spikes
                .push(spike)
                .err()
                .map_or(NONE, |spike| spike.slot),
        };
        self.store.release(gone);
    }

    /// Of each value of a state the message of lowest rank.
    pub(super) fn note_states(&mut self, marks: &Marks, rank: u64, mine: &mut u16) {
        for &place in &marks.states {
            let place = usize::from(place);
            let Some(state) = self.states.get(place).filter(|state| rank < state.rank) else {
                continue;
            };
            let path = self.state_paths.get(usize::from(state.path));
            if path.is_none_or(|path| path.hash > self.values_below) {
                continue;
            }
            let slot = self.want(mine);
            if let Some(state) = self.states.get_mut(place).filter(|_| slot != NONE) {
                state.rank = rank;
                let old = core::mem::replace(&mut state.slot, slot);
                self.store.release(old);
            }
        }
    }
}
