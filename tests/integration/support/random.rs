//! Numbers by chance that come again with the same seed, and what is made of them.

/// xorshift64*: small, and good enough for choosing what to try.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        // Seeds that lie side by side must not give streams that do; zero would stay zero.
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// Below `bound`, which is not zero.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 16) as usize % bound
    }

    /// True once in so many times.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// How many rounds a test runs: so many, or what the variable says where a long run is wanted.
pub(crate) fn rounds(variable: &str, normally: usize) -> usize {
    let wanted = std::env::var(variable).ok();
    wanted.map_or(normally, |text| text.parse().expect("a number of rounds"))
}

/// The first seed: a find names its own, and `SEED` runs it again.
pub(crate) fn seed() -> u64 {
    let wanted = std::env::var("SEED").ok();
    wanted.map_or(1, |text| text.parse().expect("a seed"))
}
