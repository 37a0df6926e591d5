//! When to read again. A broker sends each message by itself; where many come, to be woken for each costs more than
//! all that is done with it. Then the next read waits a moment, and takes what has come by then in one go.
//!
//! Invariant: nobody waits for us meanwhile: nothing was to be acknowledged, and a slow stream is read at once.

use bitsperity_mqtt_core::time::Instant;
use std::time::Duration;

/// From one read to the next.
const PAUSE: Duration = Duration::from_millis(1);

/// Messages in a pause from which on it is worth the timer.
const WORTH: u32 = 4;

/// Bytes of a read that may have left the socket empty; of more, the rest is fetched at once.
const LITTLE: usize = 16 * 1024;

#[derive(Default)]
pub(super) struct Pace {
    last: Instant,
    /// Counters at the last read.
    messages: u64,
    written: u64,
    next: Option<Instant>,
}

impl Pace {
    /// When the next read is due, unless at once.
    pub(super) fn next(&self) -> Option<Instant> {
        self.next
    }

    /// The pause is over, or somebody waits for what comes.
    pub(super) fn at_once(&mut self) {
        self.next = None;
    }

    /// A read brought so many bytes; `messages` came and `written` bytes were sent up to now.
    pub(super) fn after_read(&mut self, now: Instant, bytes: usize, messages: u64, written: u64) {
        let came = u32::try_from(messages - self.messages).unwrap_or(u32::MAX);
        let many = PAUSE.saturating_mul(came) >= now.since(self.last) * WORTH;
        let silent = written == self.written;
        self.next = (many && silent && bytes < LITTLE).then(|| now.after(PAUSE));
        (self.last, self.messages, self.written) = (now, messages, written);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads of `bytes` each, `micros` apart, with one message and `answer` bytes sent for each; how many are paced.
    fn paced(micros: u64, bytes: usize, answer: u64) -> usize {
        let mut pace = Pace::default();
        let paced = (1..=100).filter(|&n| {
            pace.after_read(Instant::from_micros(n * micros), bytes, n, n * answer);
            pace.next() == Some(Instant::from_micros(n * micros + 1_000))
        });
        paced.count()
    }

    #[test]
    fn only_many_small_reads_without_an_answer_wait() {
        assert_eq!(paced(50, 130, 0), 100);
        assert_eq!(paced(250, 130, 0), 100);
        assert_eq!(paced(260, 130, 0), 0);
        assert_eq!(paced(1_000_000, 130, 0), 0);
        assert_eq!(paced(50, 130, 4), 0);
        assert_eq!(paced(50, 100_000, 0), 0);
    }

    #[test]
    fn a_paced_stream_stays_so_while_much_comes() {
        let mut pace = Pace::default();
        for n in 1..10 {
            pace.after_read(Instant::from_micros(n * 1_000), 8_000, n * 60, 0);
            assert!(pace.next().is_some());
        }
        pace.after_read(Instant::from_micros(10_000), 130, 541, 0);
        assert!(pace.next().is_none());
    }

    #[test]
    fn who_waits_ends_the_pause() {
        let mut pace = Pace::default();
        pace.after_read(Instant::from_micros(10), 130, 10, 0);
        assert!(pace.next().is_some());
        pace.at_once();
        assert!(pace.next().is_none());
    }
}
