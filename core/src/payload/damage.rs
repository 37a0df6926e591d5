//! What can be wrong with a payload as a whole, and the checksum that several formats share. Elsewhere: what is wrong with
//! which ([`super::whole`], [`super::decode`]). Invariant: this file needs no other one.

/// What is wrong with a payload as a whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Damage {
    /// Its end is missing.
    Cut,
    /// Its checksum is another.
    Checksum,
    /// It breaks the rules of its format.
    Malformed,
}

/// The checksum of gzip and PNG (ISO 3309).
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    let sum = bytes.iter().fold(u32::MAX, |sum, byte| {
        let place = usize::from(sum.to_le_bytes()[0] ^ byte);
        (sum >> 8) ^ TABLE.get(place).copied().unwrap_or(0)
    });
    !sum
}

static TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0u32;
    // A slice's `iter_mut` is not const.
    while let (Some(place), true) = (table.split_at_mut(byte as usize).1.first_mut(), byte < 256) {
        let (mut sum, mut bit) = (byte, 0);
        while bit < 8 {
            sum = (sum >> 1) ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 };
            bit += 1;
        }
        *place = sum;
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::crc32;

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }
}
