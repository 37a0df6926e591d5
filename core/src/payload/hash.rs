//! A fast non-cryptographic hash (folded multiplication), seeded where outsiders choose what is hashed.

use crate::number::low;

const K0: u64 = 0x9e37_79b9_7f4a_7c15;
const K1: u64 = 0xd6e8_feb8_6659_fd93;

/// Both halves of the 128-bit product, folded.
#[inline]
pub(crate) fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    low(product) ^ low(product >> 64)
}

/// `hash` with `value` mixed in; order matters.
#[inline]
pub(crate) fn mix(hash: u64, value: u64) -> u64 {
    fold(hash ^ value ^ K1, K0 ^ hash.rotate_left(32))
}

/// Hash of `bytes` under `seed`.
#[inline]
pub(crate) fn bytes(seed: u64, bytes: &[u8]) -> u64 {
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let mut hash = seed ^ K1;
    // The last bytes are read whole, overlapping what came before, instead of one by one.
    let tail = match (
        bytes.last_chunk::<8>(),
        bytes.first_chunk::<4>(),
        bytes.last_chunk::<4>(),
    ) {
        (Some(last), _, _) => {
            for chunk in bytes.as_chunks::<8>().0 {
                hash = fold(hash ^ u64::from_le_bytes(*chunk), K0);
            }
            u64::from_le_bytes(*last)
        }
        (None, Some(first), Some(last)) => {
            u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last))
        }
        _ => bytes
            .iter()
            .fold(0, |tail, &byte| tail << 8 | u64::from(byte)),
    };
    fold(hash ^ tail ^ K1, K0 ^ length)
}

/// `hash` reduced to an index below `len`, which is a power of two.
#[inline]
pub(crate) fn index(hash: u64, len: usize) -> usize {
    let mask = u64::try_from(len.saturating_sub(1)).unwrap_or(0);
    usize::try_from(hash & mask).unwrap_or(0)
}
/// The lower half of a hash, where few are told apart.
pub(crate) fn half(hash: u64) -> u32 {
    let [a, b, c, d, ..] = hash.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}
