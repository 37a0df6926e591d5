//! What came otherwise than expected: too large, under other topics, for nobody, while the clock was set.

use std::time::Duration;

/// Topics of messages over the bound that are named.
const NAMED: usize = 8;

/// Told beside the findings, for all that was heard.
#[derive(Clone, Debug, Default)]
pub struct Asides {
    /// Messages over the bound, by topic: the first few topics, each with its largest.
    pub large: Vec<Large>,
    /// Messages that came under topics that fit none of the filters.
    pub elsewhere: Aside,
    /// Messages that fit no open filter of the session, and that nobody could place.
    pub strays: Aside,
    /// By how many microseconds this machine's clock was set forward in all; negative: back.
    pub clock_stepped_us: i64,
}

/// Messages, and the topic of the first.
#[derive(Clone, Debug, Default)]
pub struct Aside {
    /// How many.
    pub messages: u64,
    /// Topic Name.
    pub topic: String,
}

/// A message over the bound.
#[derive(Clone, Debug)]
pub struct Large {
    /// Topic Name.
    pub topic: String,
    /// Bytes of the whole packet, of the largest one.
    pub bytes: usize,
    /// Messages over the bound.
    pub messages: u64,
}

impl Asides {
    /// One message over the bound.
    pub(crate) fn large(&mut self, topic: &str, bytes: usize) {
        let room = self.large.len() < NAMED;
        match self.large.iter_mut().find(|it| it.topic == topic) {
            Some(known) => {
                known.bytes = known.bytes.max(bytes);
                known.messages += 1;
            }
            None if room => self.large.push(Large {
                topic: topic.to_owned(),
                bytes,
                messages: 1,
            }),
            None => {}
        }
    }

    /// The clock was set, by so many microseconds.
    pub(crate) fn stepped(&mut self, micros: i64) {
        self.clock_stepped_us = self.clock_stepped_us.saturating_add(micros);
    }

    /// By how much the clock was set, and whether forward.
    pub fn clock_stepped(&self) -> Option<(Duration, bool)> {
        let micros = self.clock_stepped_us;
        (micros != 0).then(|| (Duration::from_micros(micros.unsigned_abs()), micros > 0))
    }
}

impl Aside {
    /// One message.
    pub(crate) fn count(&mut self, topic: &str) {
        if self.messages == 0 {
            self.topic = topic.to_owned();
        }
        self.messages += 1;
    }
}
