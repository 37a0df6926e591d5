//! Copies: without identifiers a broker may send a message once, or once for each subscription that matches (3.3.5 in
//! 3.1.1, 3.3.4 in 5.0). A copy may stand right behind its message, or behind a whole round of others, but what one
//! subscription brings keeps its order. So, until the broker is known, a copy is the next message in line that has none.
//!
//! Limits: until something has shown which kind of broker it is, a message that truly comes twice in a quarter of a
//! second on topics of several filters counts once; a round of more than 256 messages is taken for single ones.
//! Invariant: only messages that at least two filters match are looked at, and none once the broker is seen not to copy.

use crate::time::Instant;
use core::time::Duration;
use heapless::Deque;

/// Messages that wait for their copies: brokers that send in rounds put some 200 into one.
const WAITING: usize = 256;

/// How long a copy may take, while nothing is known: brokers send them in one go. Shorter than most sensors repeat.
const UNPROVEN: Duration = Duration::from_millis(250);

/// The same once the broker was seen to copy: at QoS 1 copies wait for acknowledgements.
const PROVEN: Duration = Duration::from_secs(5);

/// Different messages with all their copies that prove it; one sensor that repeats its value proves nothing.
const PROOF: u8 = 4;

/// What counts as known at most, so that a wrong belief can be given up.
const MOST: u8 = 16;

/// A message that waits for its copies.
#[derive(Clone, Copy, Debug)]
struct Message {
    at: Instant,
    /// Of topic and payload.
    digest: u64,
    /// Copies that may still come, and that have come.
    left: u8,
    come: u8,
    /// The broker had confirmed at least two of its subscriptions, so that a copy missing says something.
    firm: bool,
}

/// What is known about copies on this connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Copies {
    /// The broker sends one packet however many subscriptions match.
    single: bool,
    waiting: Deque<Message, WAITING>,
    /// Different messages one after the other that had copies, and since then had none.
    copied: u8,
    alone: u8,
    /// Of the last one with copies.
    last: u64,
}

impl Copies {
    /// Whether this message, which `count` subscriptions match, `firm` of them confirmed, was counted before.
    pub(super) fn is_copy(
        &mut self,
        now: Instant,
        topic: &str,
        payload: &[u8],
        count: u32,
        firm: u32,
    ) -> bool {
        if self.single {
            return false;
        }
        let proven = self.copied >= PROOF;
        let patience = if proven { PROVEN } else { UNPROVEN };
        while let Some(first) = self.waiting.front() {
            if first.left > 0 && first.at.after(patience) > now {
                break;
            }
            self.judge_first();
        }
        let digest = digest(topic, payload);
        for message in &mut self.waiting {
            if message.left > 0 && message.digest == digest {
                message.left -= 1;
                message.come = message.come.saturating_add(1);
                return true;
            }
            if !proven && message.firm && message.come == 0 {
                break;
            }
        }
        if self.waiting.is_full() {
            self.judge_first();
        }
        let message = Message {
            at: now,
            digest,
            left: u8::try_from(count.saturating_sub(1)).unwrap_or(u8::MAX),
            come: 0,
            firm: firm > 1,
        };
        // There is room: the first has gone.
        let _ = self.waiting.push_back(message);
        false
    }

    /// The first has all its copies, or none will come any more. A broker that copies may lose one now and then.
    fn judge_first(&mut self) {
        let Some(first) = self.waiting.pop_front() else {
            return;
        };
        if first.come > 0 {
            self.alone = 0;
            if first.digest != self.last {
                self.copied = self.copied.saturating_add(1).min(MOST);
                self.last = first.digest;
            }
        } else if first.firm {
            self.alone = self.alone.saturating_add(1);
            self.single = self.alone > self.copied / PROOF;
            if self.single {
                self.waiting.clear();
            }
        }
    }
}

/// A quick digest, eight bytes at a time; only ever compared with those of the messages that wait.
fn digest(topic: &str, payload: &[u8]) -> u64 {
    let mut state = u64::try_from(payload.len()).unwrap_or_default();
    let mut mix = |word: u64| {
        state = (state ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        state ^= state >> 29;
    };
    for bytes in [topic.as_bytes(), payload] {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| mix(u64::from_le_bytes(*word)));
        rest.iter().for_each(|&byte| mix(u64::from(byte) | 0x100));
    }
    state
}
