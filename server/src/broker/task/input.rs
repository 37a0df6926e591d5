//! Received bytes and the packets in them. Reads as much as is there at a time; grows to the size of a packet that is
//! known to come and is within our bound, and shrinks back when the connection is quiet.
//!
//! Invariant: what lies over the bound is never held but for its head.

use bitsperity_mqtt_core::framer::{Frame, next_frame};
use bitsperity_mqtt_core::limits::{MAX_FIXED_HEADER, MAX_STRING};
use std::ops::Range;

/// Bytes that one read can take; pages that no read has touched cost nothing.
const READ_BUFFER: usize = 128 * 1024;

/// Room below which the rest is moved to the front before a read.
const MIN_ROOM: usize = 32 * 1024;

/// Bytes of an oversized PUBLISH's front that hold its whole topic: fixed header, two of length, topic, packet identifier.
const HEAD: usize = MAX_FIXED_HEADER + 2 + MAX_STRING + 2;

pub(super) struct Input {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    /// Of an oversized packet, still to be passed over.
    skip: usize,
    /// Bytes that must fit behind `start` for the next packet or head.
    needed: usize,
    max_packet: usize,
}

/// What stands next in the buffer. The ranges are to be read before the next call that changes the buffer.
pub(super) enum Next {
    Packet(Range<usize>),
    Oversized { head: Range<usize>, length: usize },
    NotYet,
    Malformed,
}

impl Input {
    pub(super) fn new(max_packet: usize) -> Self {
        Self {
            bytes: vec![0; READ_BUFFER],
            start: 0,
            end: 0,
            skip: 0,
            needed: 0,
            max_packet,
        }
    }

    /// A new connection.
    pub(super) fn reset(&mut self) {
        (self.start, self.end, self.skip, self.needed) = (0, 0, 0, 0);
        self.shrink();
    }

    pub(super) fn bytes(&self, range: Range<usize>) -> &[u8] {
        &self.bytes[range]
    }

    /// What has been received and not yet taken.
    pub(super) fn front(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    pub(super) fn next(&mut self) -> Next {
        self.pass_over();
        let front = &self.bytes[self.start..self.end];
        match next_frame(front, self.max_packet) {
            Frame::Whole(length) => {
                let range = self.start..self.start + length;
                self.start = range.end;
                Next::Packet(range)
            }
            Frame::Partial { needed } => {
                self.needed = needed.unwrap_or(MAX_FIXED_HEADER);
                Next::NotYet
            }
            Frame::Oversized { length } => {
                let head = length.min(HEAD);
                if front.len() < head {
                    self.needed = head;
                    return Next::NotYet;
                }
                let range = self.start..self.start + head;
                self.skip = length;
                self.pass_over();
                Next::Oversized {
                    head: range,
                    length,
                }
            }
            Frame::Malformed => Next::Malformed,
        }
    }

    fn pass_over(&mut self) {
        let now = self.skip.min(self.end - self.start);
        self.start += now;
        self.skip -= now;
    }

    /// Where the next read goes; empty when packets wait that must be taken first.
    pub(super) fn room(&mut self) -> &mut [u8] {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        let wanted = self.needed.max(self.end - self.start);
        if self.start > 0
            && (self.start + wanted > self.bytes.len() || self.bytes.len() - self.end < MIN_ROOM)
        {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.bytes.len() < wanted {
            self.bytes.resize(wanted, 0);
        }
        &mut self.bytes[self.end..]
    }

    /// A read put `count` bytes into [`Input::room`].
    pub(super) fn filled(&mut self, count: usize) {
        self.end = (self.end + count).min(self.bytes.len());
        self.needed = 0;
    }

    /// Gives back what a large packet needed.
    pub(super) fn shrink(&mut self) {
        if self.start == self.end && self.bytes.len() > READ_BUFFER {
            self.bytes = vec![0; READ_BUFFER];
            (self.start, self.end) = (0, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PUBLISH at QoS 0 to topic `t` with a payload of `payload` bytes.
    fn publish(payload: usize) -> Vec<u8> {
        let mut packet = vec![0x30];
        let mut remaining = payload + 3;
        loop {
            let byte = (remaining % 128) as u8;
            remaining /= 128;
            packet.push(byte | if remaining > 0 { 0x80 } else { 0 });
            if remaining == 0 {
                break;
            }
        }
        packet.extend_from_slice(&[0, 1, b't']);
        packet.resize(packet.len() + payload, b'x');
        packet
    }

    /// Feeds `stream` in pieces of at most `piece` bytes and writes down what comes out.
    fn run(stream: &[u8], piece: usize, max_packet: usize) -> Vec<(bool, usize)> {
        let mut input = Input::new(max_packet);
        let (mut found, mut rest) = (Vec::new(), stream);
        while !rest.is_empty() {
            let room = input.room();
            let count = room.len().min(piece).min(rest.len());
            assert!(count > 0, "room for the next packet");
            room[..count].copy_from_slice(&rest[..count]);
            input.filled(count);
            rest = &rest[count..];
            loop {
                match input.next() {
                    Next::Packet(range) => found.push((true, input.bytes(range).len())),
                    Next::Oversized { head, length } => {
                        assert_eq!(input.bytes(head)[0], 0x30);
                        found.push((false, length));
                    }
                    Next::NotYet => break,
                    Next::Malformed => panic!("malformed"),
                }
            }
        }
        assert!(input.bytes.len() <= READ_BUFFER.max(max_packet));
        input.shrink();
        assert_eq!(input.bytes.len(), READ_BUFFER);
        found
    }

    #[test]
    fn same_packets_whatever_the_pieces() {
        let sizes = [
            0, 10, 300_000, 5, 2_000_000, 1, 70_000, 131_060, 131_072, 1_048_000, 3,
        ];
        let stream: Vec<u8> = sizes.iter().flat_map(|&size| publish(size)).collect();
        let max_packet = 1024 * 1024;
        let expected: Vec<(bool, usize)> = sizes
            .iter()
            .map(|&size| publish(size).len())
            .map(|length| (length <= max_packet, length))
            .collect();
        for piece in [1_000_000, 65_536, 4_099, 1_460, 7] {
            assert_eq!(
                run(&stream, piece, max_packet),
                expected,
                "pieces of {piece}"
            );
        }
    }
}
