//! Reason Codes (5.0 section 2.4) and the return codes of 3.1.1, kept as their byte.

/// A Reason Code as it stood on the wire; 0x80 and above are failures.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Reason(pub u8);

impl Reason {
    /// 0x00.
    pub const SUCCESS: Self = Self(0x00);

    /// Whether it tells a failure.
    pub const fn is_failure(self) -> bool {
        self.0 >= 0x80
    }
}
