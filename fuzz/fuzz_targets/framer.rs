//! A stream gives the same frames however it is cut, and a verdict once given does not change with more bytes.
//! Input: the bound on a packet, a count, so many lengths of pieces (used in turn; 0: all that is left), the stream.
#![no_main]

use bitsperity_mqtt_core::framer::{Frame, next_frame};
use libfuzzer_sys::fuzz_target;

/// What a reader of the stream learns.
#[derive(PartialEq, Debug)]
enum Event {
    Packet(Vec<u8>),
    Skipped(usize),
    Malformed,
}

fuzz_target!(|input: &[u8]| {
    let [bound, count, rest @ ..] = input else {
        return;
    };
    let max_packet = usize::from(*bound) * 4 + 2;
    let Some((cuts, stream)) = rest.split_at_checked(usize::from(count % 16)) else {
        return;
    };
    let whole = read([stream].into_iter(), max_packet);
    let bytewise = read(stream.chunks(1), max_packet);
    assert_eq!(whole, bytewise);
    assert_eq!(whole, read(pieces(cuts, stream), max_packet));
});

fn pieces<'a>(cuts: &'a [u8], stream: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = stream;
    let mut cuts = cuts.iter().cycle();
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let length = match cuts.next() {
            None | Some(0) => rest.len(),
            Some(&cut) => usize::from(cut).min(rest.len()),
        };
        let (piece, left) = rest.split_at(length);
        rest = left;
        Some(piece)
    })
}

/// As the one who reads a socket does: a buffer, and a count of what is still to be passed over.
fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>, max_packet: usize) -> Vec<Event> {
    let mut events = Vec::new();
    let mut held: Vec<u8> = Vec::new();
    let mut skip = 0_usize;
    let mut promised = None;
    for piece in pieces {
        let passed = skip.min(piece.len());
        skip -= passed;
        held.extend_from_slice(&piece[passed..]);
        loop {
            let frame = next_frame(&held, max_packet);
            if let (Some(promised), Frame::Whole(length)) = (promised, frame) {
                assert_eq!(length, promised, "whole at another length than promised");
            }
            match frame {
                Frame::Whole(length) => {
                    assert!(2 <= length && length <= held.len() && length <= max_packet);
                    events.push(Event::Packet(held.drain(..length).collect()));
                    promised = None;
                }
                Frame::Partial { needed } => {
                    assert!(promised.is_none() || promised == needed);
                    assert!(
                        needed.is_none_or(|needed| held.len() < needed && needed <= max_packet)
                    );
                    assert!(needed.is_some() || held.len() < 5);
                    promised = needed;
                    break;
                }
                Frame::Oversized { length } => {
                    assert!(length > max_packet && promised.is_none());
                    events.push(Event::Skipped(length));
                    let passed = length.min(held.len());
                    held.drain(..passed);
                    skip = length - passed;
                    if skip > 0 {
                        break;
                    }
                }
                Frame::Malformed => {
                    assert!(promised.is_none());
                    events.push(Event::Malformed);
                    return events;
                }
            }
        }
    }
    events
}
