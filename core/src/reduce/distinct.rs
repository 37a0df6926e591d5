//! How many different things came: HyperLogLog with 1,024 registers of six bits (768 bytes), error about 3 %.
//! The estimator is Ertl's ("New cardinality estimation algorithms for HyperLogLog sketches", 2017), which needs
//! neither tables nor thresholds. Invariant: recording is idempotent, merging is exact.

use crate::payload::hash;

const REGISTERS: usize = 1_024;
const BYTES: usize = REGISTERS * 6 / 8;

/// An estimate of how many different hashes were recorded.
#[derive(Clone, Debug)]
pub struct Distinct {
    bits: [u8; BYTES],
}

impl Default for Distinct {
    fn default() -> Self {
        Self { bits: [0; BYTES] }
    }
}

impl Distinct {
    /// Takes one hash. Returns whether it changed anything: surely something new.
    pub fn record(&mut self, hash: u64) -> bool {
        // Hashes of short names differ little in their high bits.
        let hash = hash::mix(hash, 0x6869_6768);
        let register = usize::try_from(hash >> 54).unwrap_or(0);
        let rank = u8::try_from((hash << 10 | 1 << 9).leading_zeros() + 1).unwrap_or(63);
        self.raise(register, rank)
    }

    /// Takes in what another has seen.
    pub fn merge(&mut self, other: &Self) {
        for register in 0..REGISTERS {
            self.raise(register, other.rank(register));
        }
    }

    /// How many different hashes there were.
    pub fn estimate(&self) -> u64 {
        let mut counts = [0u32; 64];
        for register in 0..REGISTERS {
            if let Some(count) = counts.get_mut(usize::from(self.rank(register))) {
                *count += 1;
            }
        }
        let m = 1_024.0;
        let mut z = 0.0;
        for &count in counts.iter().skip(1).rev() {
            z = 0.5 * (z + f64::from(count));
        }
        let empty = counts.first().map_or(0.0, |&count| f64::from(count));
        if empty >= m {
            return 0;
        }
        z += m * sigma(empty / m);
        // 1 / (2 ln 2)
        let estimate = 0.721_347_520_444_481_7 * m * m / z;
        rounded(estimate)
    }

    fn rank(&self, register: usize) -> u8 {
        let (byte, shift) = place(register);
        let low = self.bits.get(byte).copied().unwrap_or(0);
        let high = self.bits.get(byte + 1).copied().unwrap_or(0);
        let [rank, _] = (u16::from_le_bytes([low, high]) >> shift & 0x3f).to_le_bytes();
        rank
    }

    fn raise(&mut self, register: usize, rank: u8) -> bool {
        if rank <= self.rank(register) {
            return false;
        }
        let (byte, shift) = place(register);
        let low = self.bits.get(byte).copied().unwrap_or(0);
        let high = self.bits.get(byte + 1).copied().unwrap_or(0);
        let word = u16::from_le_bytes([low, high]) & !(0x3f << shift) | u16::from(rank) << shift;
        let [low, high] = word.to_le_bytes();
        for (place, value) in [(byte, low), (byte + 1, high)] {
            if let Some(bits) = self.bits.get_mut(place) {
                *bits = value;
            }
        }
        true
    }
}

/// Hashes that a [`Census`] holds at most; its table has twice as many places, so that a search ends soon.
const COUNTED: usize = 1_024;

/// How many different things came: exact up to 1,024, beyond that an estimate.
#[derive(Clone, Debug)]
pub struct Census {
    hashes: [u64; COUNTED * 2],
    used: usize,
    /// More came than are held.
    over: bool,
    recorded: u64,
    distinct: Distinct,
}

impl Default for Census {
    fn default() -> Self {
        Self {
            hashes: [0; COUNTED * 2],
            used: 0,
            over: false,
            recorded: 0,
            distinct: Distinct::default(),
        }
    }
}

impl Census {
    /// Takes one hash. Returns whether it is new; beyond the table: surely new, by the estimate.
    pub fn record(&mut self, hash: u64) -> bool {
        self.recorded += 1;
        let hash = hash.max(1);
        let mut place = hash::index(hash, self.hashes.len());
        while let Some(held) = self.hashes.get_mut(place) {
            if *held == hash {
                return false;
            }
            if *held == 0 {
                let new = self.distinct.record(hash);
                if self.used == COUNTED {
                    self.over = true;
                    return new;
                }
                *held = hash;
                self.used += 1;
                return true;
            }
            place = (place + 1) % (COUNTED * 2);
        }
        false
    }

    /// How many different hashes there were; never more than were recorded.
    pub fn count(&self) -> u64 {
        let used = u64::try_from(self.used).unwrap_or(u64::MAX);
        match self.over {
            true => self.distinct.estimate().min(self.recorded).max(used + 1),
            false => used,
        }
    }

    /// The count is an estimate.
    pub const fn estimated(&self) -> bool {
        self.over
    }
}

/// First byte of a register and where in it the register begins.
const fn place(register: usize) -> (usize, usize) {
    let bit = register * 6;
    (bit / 8, bit % 8)
}

/// Ertl's σ: the contribution of empty registers.
fn sigma(mut x: f64) -> f64 {
    let (mut y, mut z) = (1.0, x);
    for _ in 0..64 {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z <= before {
            break;
        }
    }
    z
}

/// To the nearest whole number; the estimate is positive and far below 2^53.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // `as` saturates, which is what is wanted
fn rounded(x: f64) -> u64 {
    (x + 0.5) as u64
}

#[cfg(test)]
mod tests {
    use super::{COUNTED, Census, Distinct};
    use crate::payload::hash;

    fn of(range: core::ops::Range<u64>) -> Distinct {
        let mut distinct = Distinct::default();
        for n in range {
            distinct.record(hash::bytes(9, &n.to_le_bytes()));
        }
        distinct
    }

    #[test]
    fn estimates_within_a_tenth() {
        assert_eq!(Distinct::default().estimate(), 0);
        for n in [1, 2, 10, 100, 1_000, 3_000, 10_000, 100_000, 1_000_000] {
            let estimate = of(0..n).estimate();
            assert!(estimate.abs_diff(n) * 10 <= n, "{n}: {estimate}");
        }
    }

    #[test]
    fn merged_shards_are_the_stream() {
        let mut shard = of(0..6_000);
        shard.merge(&of(5_000..10_000));
        assert_eq!(shard.estimate(), of(0..10_000).estimate());
        let before = shard.estimate();
        shard.merge(&of(0..10_000));
        assert_eq!(shard.estimate(), before);
    }

    #[test]
    fn a_census_is_exact_as_far_as_its_table_goes() {
        for count in [0, 1, 20, 50, 1_000, COUNTED] {
            let mut census = Census::default();
            for round in 0..2 {
                for n in 0..count {
                    let new = census.record(hash::bytes(7, &n.to_le_bytes()));
                    assert_eq!(new, round == 0);
                }
            }
            let told = (census.count(), census.estimated());
            assert_eq!(told, (count as u64, false));
        }
        let mut census = Census::default();
        for n in 0..5_000usize {
            census.record(hash::bytes(7, &n.to_le_bytes()));
        }
        assert!(census.estimated());
        assert!(census.count().abs_diff(5_000) < 400 && census.count() <= 5_000);
    }
}
