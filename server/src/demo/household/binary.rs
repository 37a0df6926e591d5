//! Two devices that do not speak text: an electricity meter (a packed structure, big endian) and a doorbell that sends
//! pictures (PNG).

use super::{Member, World, text};
use crate::demo::link::Message;

/// A PNG of one pixel; the doorbell's pictures begin like that and carry noise after it.
const PIXEL: [u8; 69] = [
    0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13, b'I', b'H', b'D', b'R', 0, 0, 0,
    1, 0, 0, 0, 1, 8, 2, 0, 0, 0, 0x90, 0x77, 0x53, 0xDE, 0, 0, 0, 12, b'I', b'D', b'A', b'T',
    0x08, 0xD7, 0x63, 0xF8, 0xCF, 0xC0, 0, 0, 3, 1, 1, 0, 0x18, 0xDD, 0x8D, 0xB0, 0, 0, 0, 0, b'I',
    b'E', b'N', b'D', 0xAE, 0x42, 0x60, 0x82,
];

/// Bytes of noise in a picture.
const NOISE: usize = 1_800;

pub(super) fn members() -> Vec<Member> {
    let mut sequence = 0_u32;
    let mut energy = 41_230_118_u32;
    vec![
        Member::new("meter-1EMH0012345678")
            .will(text("meters/electricity/status", "offline").retained())
            .born([text("meters/electricity/status", "online").retained()])
            .every(1.0, move |world| {
                sequence += 1;
                energy += world.whole(0, 2);
                vec![reading(sequence, energy, world)]
            }),
        Member::new("doorbell")
            .born([text("doorbell/status", "idle").retained()])
            .every(5.5, |world| vec![picture(world)]),
    ]
}

/// 24 bytes: sequence, energy in Wh, two powers in W, four voltages in 0.1 V.
fn reading(sequence: u32, energy: u32, world: &mut World) -> Message {
    let mut payload = Vec::with_capacity(24);
    payload.extend(sequence.to_be_bytes());
    payload.extend(energy.to_be_bytes());
    for _ in 0..2 {
        payload.extend(world.whole(100, 900).to_be_bytes());
    }
    for _ in 0..4 {
        let volts = u16::try_from(world.whole(2_280, 2_320)).unwrap_or(2_300);
        payload.extend(volts.to_be_bytes());
    }
    Message {
        topic: "meters/electricity/raw".to_owned(),
        payload,
        retain: false,
    }
}

fn picture(world: &mut World) -> Message {
    let mut payload = PIXEL.to_vec();
    payload.extend((0..NOISE).map(|_| (world.chance() * 256.0) as u8));
    Message {
        topic: "doorbell/snapshot".to_owned(),
        payload,
        retain: false,
    }
}
