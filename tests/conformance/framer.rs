//! The framer: any split of a stream gives the same frames, and what is too large is known from its header.

use crate::vectors;
use bitsperity_mqtt_core::framer::{Frame, next_frame};
use bitsperity_mqtt_core::packet::{Packet, Version};

const NO_BOUND: usize = usize::MAX;

/// Frames of a stream that arrives in pieces of these lengths, over and over.
pub(crate) fn frames(stream: &[u8], pieces: &[usize]) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    let mut held: Vec<u8> = Vec::new();
    let mut rest = stream;
    for piece in pieces.iter().cycle() {
        let (now, later) = rest.split_at((*piece).min(rest.len()));
        held.extend_from_slice(now);
        rest = later;
        loop {
            match next_frame(&held, NO_BOUND) {
                Frame::Whole(length) => frames.push(held.drain(..length).collect()),
                Frame::Partial { .. } => break,
                other => panic!("{other:?}"),
            }
        }
        if rest.is_empty() {
            break;
        }
    }
    assert!(held.is_empty());
    frames
}

#[test]
fn any_split_gives_the_same_frames() {
    for version in [Version::V311, Version::V5] {
        let packets: Vec<Vec<u8>> = vectors::some()
            .into_iter()
            .filter(|vector| vector.version == version && vector.is_packet())
            .map(|vector| vector.bytes)
            .collect();
        let stream = packets.concat();
        for piece in if cfg!(miri) { 13..14 } else { 1..40 } {
            assert_eq!(frames(&stream, &[piece]), packets);
        }
        assert_eq!(frames(&stream, &[1, 7, 2, 300, 3, 1, 1, 19]), packets);
    }
}

#[test]
fn a_packet_cut_anywhere_is_partial() {
    for vector in vectors::some().iter().filter(|vector| vector.is_packet()) {
        let length = vector.bytes.len();
        let header = length - body_length(&vector.bytes);
        for cut in 0..length {
            let needed = (cut >= header).then_some(length);
            let front = &vector.bytes[..cut];
            assert_eq!(next_frame(front, NO_BOUND), Frame::Partial { needed });
            if needed.is_some() {
                assert_eq!(next_frame(front, length - 1), Frame::Oversized { length });
            }
        }
        assert_eq!(next_frame(&vector.bytes, length), Frame::Whole(length));
        let mut followed = vector.bytes.clone();
        followed.extend_from_slice(&[0xff; 9]);
        assert_eq!(next_frame(&followed, length), Frame::Whole(length));
    }
}

fn body_length(packet: &[u8]) -> usize {
    let header = 1 + packet[1..].iter().take_while(|&&byte| byte >= 0x80).count() + 1;
    packet.len() - header
}

#[test]
fn the_largest_packet_is_known_from_five_bytes() {
    let header = [0x30, 0xff, 0xff, 0xff, 0x7f];
    let length = 268_435_460;
    assert_eq!(next_frame(&header, 1_048_576), Frame::Oversized { length });
    assert_eq!(
        next_frame(&header, length),
        Frame::Partial {
            needed: Some(length)
        }
    );
    assert_eq!(
        next_frame(&header[..4], 10),
        Frame::Partial { needed: None }
    );
}

#[test]
fn what_cannot_begin_a_packet_is_malformed_at_once() {
    for start in [
        &[0x00][..],
        &[0x36],                         // QoS 3
        &[0x38],                         // DUP at QoS 0
        &[0x60],                         // PUBREL without its flag
        &[0x30, 0xff, 0xff, 0xff, 0x80], // a Remaining Length of five bytes
        &[0x30, 0x80, 0x00],             // one byte more than needed
        b"HTTP/1.1 400 Bad Request\r\n",
        &[0x15, 3, 3, 0, 2, 2, 40], // a TLS alert
        b"SSH-2.0-OpenSSH",
    ] {
        assert_eq!(
            next_frame(start, NO_BOUND),
            Frame::Malformed,
            "{start:02x?}"
        );
    }
}

#[test]
fn a_malformed_front_is_no_packet_of_either_version() {
    for first in (0..=255_u8).step_by(if cfg!(miri) { 7 } else { 1 }) {
        if next_frame(&[first], NO_BOUND) == Frame::Malformed {
            for version in [Version::V311, Version::V5] {
                for body in [&[][..], &[0, 1], &[0, 1, b'a', 0, 1]] {
                    let mut bytes = vec![first, u8::try_from(body.len()).unwrap()];
                    bytes.extend_from_slice(body);
                    assert!(Packet::decode(&bytes, version).is_err());
                }
            }
        }
    }
}
