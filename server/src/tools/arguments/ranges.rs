//! Defaults and ranges of the tools' arguments. The schemas are made from here, and what is checked is the schema.

/// What an argument may be, and what it is if it is not given.
#[derive(Clone, Copy)]
pub(in crate::tools) struct Range<T> {
    pub(in crate::tools) default: T,
    pub(in crate::tools) min: T,
    pub(in crate::tools) max: T,
}

/// Seconds that a collecting tool listens.
pub(in crate::tools) const DURATION: Range<f64> = Range {
    default: 30.0,
    min: 0.1,
    max: 300.0,
};

/// Seconds that `debug_device` listens: some heartbeats of most devices.
pub(in crate::tools) const WATCH: Range<f64> = Range {
    default: 120.0,
    min: 0.1,
    max: 600.0,
};

/// Seconds that `list_devices` listens: retained messages come at once, most devices speak within some.
pub(in crate::tools) const INVENTORY: Range<f64> = Range {
    default: 10.0,
    min: 0.1,
    max: 300.0,
};

/// Seconds that `monitor_performance` listens.
pub(in crate::tools) const MONITOR: Range<f64> = Range {
    default: 300.0,
    min: 0.1,
    max: 1_800.0,
};

/// Seconds without a new topic after which `list_topics` stops.
pub(in crate::tools) const QUIET: Range<f64> = Range {
    default: 0.0,
    min: 0.1,
    max: 300.0,
};

/// Topics in the table of `list_topics`.
pub(in crate::tools) const TOPICS: Range<u32> = Range {
    default: 1_000,
    min: 1,
    max: 10_000,
};

/// Live messages after which a collection stops. The default is never reached by a house: memory and answer are bounded
/// without it, and who stops early hears the retained messages only.
pub(in crate::tools) const MESSAGES: Range<u64> = Range {
    default: 1_000_000,
    min: 1,
    max: 1_000_000,
};

/// Seconds that `get_topic_schema` listens.
pub(in crate::tools) const SCHEMA_DURATION: Range<f64> = Range {
    default: 60.0,
    min: 0.1,
    max: 300.0,
};

/// Messages after which `get_topic_schema` stops.
pub(in crate::tools) const SCHEMA_MESSAGES: Range<u64> = Range {
    default: 1_000,
    min: 1,
    max: 1_000_000,
};

/// Messages kept of a collection.
pub(in crate::tools) const TARGET: Range<u32> = Range {
    default: 50,
    min: 1,
    max: 500,
};

/// Quality of Service.
pub(in crate::tools) const QOS: Range<u8> = Range {
    default: 0,
    min: 0,
    max: 2,
};

/// Seconds of keep alive.
pub(in crate::tools) const KEEP_ALIVE: Range<u16> = Range {
    default: 60,
    min: 5,
    max: 65_535,
};

/// Bytes of a result; the default, about 6,000 tokens, is `Limits::max_bytes`. Hosts warn at 10,000 tokens and cut at 25,000.
pub(in crate::tools) const BYTES: Range<u32> = Range {
    default: 16 * 1024,
    min: 2_048,
    max: 64 * 1024,
};

/// Seconds after which a broker forgets a message (5.0).
pub(in crate::tools) const EXPIRY: Range<u32> = Range {
    default: 0,
    min: 1,
    max: u32::MAX,
};

/// Seconds that `publish_message` waits for an answer.
pub(in crate::tools) const ANSWER: Range<f64> = Range {
    default: 10.0,
    min: 0.1,
    max: 40.0,
};

/// Answers that `publish_message` waits for.
pub(in crate::tools) const ANSWERS: Range<u32> = Range {
    default: 1,
    min: 1,
    max: 50,
};

pub(in crate::tools) const fn duration() -> f64 {
    DURATION.default
}

pub(in crate::tools) const fn inventory() -> f64 {
    INVENTORY.default
}

pub(in crate::tools) const fn watch() -> f64 {
    WATCH.default
}

pub(in crate::tools) const fn monitor() -> f64 {
    MONITOR.default
}

pub(in crate::tools) const fn topics() -> u32 {
    TOPICS.default
}

pub(in crate::tools) const fn messages() -> u64 {
    MESSAGES.default
}

pub(in crate::tools) const fn schema_duration() -> f64 {
    SCHEMA_DURATION.default
}

pub(in crate::tools) const fn schema_messages() -> u64 {
    SCHEMA_MESSAGES.default
}

pub(in crate::tools) const fn target() -> u32 {
    TARGET.default
}

pub(in crate::tools) const fn qos() -> u8 {
    QOS.default
}

pub(in crate::tools) const fn keep_alive() -> u16 {
    KEEP_ALIVE.default
}

pub(in crate::tools) const fn answer() -> f64 {
    ANSWER.default
}

pub(in crate::tools) const fn answers() -> u32 {
    ANSWERS.default
}

pub(in crate::tools) const fn yes() -> bool {
    true
}
