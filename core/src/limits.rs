//! Every bound of the core, with its unit and its reason. At a bound: refuse, or drop and count; never grow.

/// Bytes of the longest UTF-8 string or binary field on the wire: its length is a Two Byte Integer (1.5.4).
pub const MAX_STRING: usize = 65_535;

/// Largest Remaining Length: four bytes of seven bits (2.2.3 in 3.1.1, 2.1.4 in 5.0).
pub const MAX_REMAINING_LENGTH: u32 = 268_435_455;

/// Bytes of the largest fixed header: one of type and flags, four of Remaining Length.
pub const MAX_FIXED_HEADER: usize = 5;

/// Subscriptions that a session holds at once; one bit each in [`crate::session::SubscriptionSet`].
pub const MAX_SUBSCRIPTIONS: usize = 64;

/// Topic levels that are told apart when topics are compared and folded; what lies deeper counts as one. Real topics have
/// under 20, and one bit for each fits a word.
pub const MAX_LEVELS: usize = 64;

/// Bytes of the longest Topic Filter that a session subscribes to; real filters are under 200.
pub const MAX_FILTER: usize = 1_024;
