//! All packets of both versions, decoded and encoded.
#![no_std]
#![no_main]

use bitsperity_mqtt_core::framer::{Frame, next_frame};
use bitsperity_mqtt_core::packet::{Packet, Version};
use core::hint::black_box;

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let received = black_box([0; 256]);
    let mut out = [0; 256];
    for version in black_box([Version::V311, Version::V5]) {
        if let Frame::Whole(length) = next_frame(&received, 256)
            && let Some(frame) = received.get(..length)
            && let Ok(packet) = Packet::decode(frame, version)
        {
            let _ = black_box(black_box(packet).encode(version, &mut out));
        }
    }
    size_on_chip::rest()
}
