//! What a message means to each stratum: whether it becomes a candidate there, and who goes for it. Elsewhere: numbers
//! and states (`values`), the samples (`samples`).

use super::Pruner;
use super::store::{NONE, Slot};
use super::strata::*;
use crate::payload::{Facts, Severity, hash};
use crate::reduce::differing;

impl<S, B> Pruner<S, B>
where
    S: AsMut<[Slot]> + AsRef<[Slot]>,
    B: AsMut<[u8]> + AsRef<[u8]>,
{
    /// A reference to the newest message, which becomes a candidate by the first one; none if there is little room,
    /// which is for what must be kept.
    pub(super) fn want(&mut self, mine: &mut u16) -> u16 {
        if *mine == NONE && self.store.tight() {
            self.lost += 1;
            return NONE;
        }
        self.must(mine)
    }

    /// As [`Self::want`], for samples, which are let in for longer.
    pub(super) fn want_sample(&mut self, mine: &mut u16) -> u16 {
        if *mine == NONE && self.store.lacks(8) {
            self.lost += 1;
            return NONE;
        }
        self.must(mine)
    }

    /// As [`Self::want`], whatever room there is.
    pub(super) fn must(&mut self, mine: &mut u16) -> u16 {
        if *mine == NONE {
            *mine = self.keep_last();
        } else {
            self.store.hold(*mine);
        }
        *mine
    }

    pub(super) fn keep_last(&mut self) -> u16 {
        match self.store.keep_last() {
            Some(slot) => slot,
            None => {
                self.lost += 1;
                NONE
            }
        }
    }

    /// A reference to the newest message before this one, which may be a candidate already.
    pub(super) fn keep_previous(&mut self) -> u16 {
        let last = &self.store.last;
        let same = |slot: &Slot| slot.live() && (slot.id, slot.at) == (last.id, last.at);
        let found = self.store.slots().iter().position(same);
        match found.and_then(|n| u16::try_from(n).ok()) {
            Some(slot) => {
                self.store.hold(slot);
                slot
            }
            None => self.keep_last(),
        }
    }

    pub(super) fn least_gap(&self) -> u64 {
        self.gaps.last().map_or(0, |gap| gap.length)
    }

    /// Puts a gap among the largest, which stand in order of length.
    pub(super) fn note_gap(&mut self, gap: Gap) {
        let mut entering = gap;
        for place in &mut self.gaps {
            if (entering.length, place.until) > (place.length, entering.until) {
                core::mem::swap(place, &mut entering);
            }
        }
        self.store.release(entering.left);
        self.store.release(entering.right);
    }

    pub(super) fn note_problem(&mut self, topic: &str, facts: &Facts<'_>, at: u64, mine: &mut u16) {
        let topic_hash = hash::bytes(0, topic.as_bytes());
        let error = facts.severity == Severity::Error;
        *(if error {
            &mut self.errors
        } else {
            &mut self.warnings
        }) += 1;
        if let Some(n) = self
            .kinds
            .iter()
            .position(|kind| kind.hash == facts.kind && kind.error == error)
        {
            let first_at = self.first_at;
            let Some(kind) = self.kinds.get_mut(n) else {
                return;
            };
            kind.count += 1;
            kind.latest_at = at;
            if kind.topics.enter(topic_hash) {
                self.note_elsewhere(n, topic, mine);
            }
            let Some(kind) = self.kinds.get_mut(n) else {
                return;
            };
            // The latest message itself moves in steps, so that a flood of one kind stays cheap.
            let latest = self.store.get(kind.latest).map_or(0, |slot| slot.at);
            if kind.count > 32 && at.saturating_sub(latest) < at.saturating_sub(first_at) / 32 {
                return;
            }
            let old = kind.latest;
            let latest = self.must(mine);
            if let Some(kind) = self.kinds.get_mut(n) {
                kind.latest = latest;
            }
            self.store.release(old);
            return;
        }
        if self.kinds.is_full() && !(error && self.drop_warning()) {
            if error {
                self.kinds_more.record(facts.kind);
            }
            return;
        }
        let first = self.must(mine);
        let kind = Kind {
            hash: facts.kind,
            count: 1,
            first_at: at,
            latest_at: at,
            first,
            latest: NONE,
            error,
            topics: Topics::new(topic_hash),
        };
        let _ = self.kinds.push(kind);
    }

    /// A known kind comes from a topic that is new to it.
    fn note_elsewhere(&mut self, n: usize, topic: &str, mine: &mut u16) {
        let Some(kind) = self.kinds.get(n) else {
            return;
        };
        let first = self.store.get(kind.first);
        let first = first.map_or("", |slot| self.store.content(slot).0);
        let varying = differing(first, topic);
        let free = kind.topics.elsewhere.iter().position(|&slot| slot == NONE);
        let slot = free.map(|place| (place, self.want(mine)));
        let Some(kind) = self.kinds.get_mut(n) else {
            return;
        };
        kind.topics.varying |= varying;
        if let Some((place, slot)) = slot
            && let Some(elsewhere) = kind.topics.elsewhere.get_mut(place)
        {
            *elsewhere = slot;
        }
    }

    /// Makes room for an error by forgetting a kind of warning.
    pub(super) fn drop_warning(&mut self) -> bool {
        let Some(n) = self.kinds.iter().rposition(|kind| !kind.error) else {
            return false;
        };
        let kind = self.kinds.remove(n);
        self.store.release(kind.first);
        self.store.release(kind.latest);
        for slot in kind.topics.elsewhere {
            self.store.release(slot);
        }
        true
    }

    /// Of each shape the message of lowest rank, which is as good as drawn by lot; a replayed one only where no live one
    /// came.
    pub(super) fn note_shape(&mut self, shape: u64, rank: u64, replayed: bool, mine: &mut u16) {
        let rank = rank >> 1 | u64::from(replayed) << 63;
        let shape = shape.max(1);
        let Some((place, known)) = self.shapes.find(shape) else {
            self.shapes_more.record(shape);
            return;
        };
        if !known {
            let hash = shape;
            self.shapes.put(
                place,
                Shape {
                    hash,
                    ..Shape::EMPTY
                },
            );
        }
        let lower = |entry: &&Shape| rank < entry.rank && shape <= self.shapes_below;
        if self.shapes.get(place).filter(lower).is_none() {
            return;
        }
        let slot = self.want(mine);
        if let Some(entry) = self.shapes.get_mut(place).filter(|_| slot != NONE) {
            let old = core::mem::replace(&mut entry.slot, slot);
            entry.rank = rank;
            self.store.release(old);
        }
    }
}
