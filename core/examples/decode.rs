//! Splits received bytes into packets and decodes each: `cargo run -p bitsperity-mqtt-core --example decode`
//!
//! The bytes may also be given, in hexadecimal: `… --example decode -- 300900036c656432c3a4c3b6`

#![allow(clippy::print_stdout)] // the purpose

use bitsperity_mqtt_core::framer::{Frame, next_frame};
use bitsperity_mqtt_core::packet::{Packet, Version};
use std::error::Error;

/// Bytes of the largest packet taken.
const MAX_PACKET: usize = 64 * 1024;

/// CONNACK, a message at QoS 0, PINGRESP, and the beginning of one more packet.
const RECEIVED: &str = "20020000 300e000a6c616d702f73746174654f4e d000 30";

fn main() -> Result<(), Box<dyn Error>> {
    let given: String = std::env::args().skip(1).collect();
    let text = if given.is_empty() { RECEIVED } else { &given };
    let bytes = hexadecimal(text)?;
    let mut rest = bytes.as_slice();
    loop {
        match next_frame(rest, MAX_PACKET) {
            Frame::Whole(length) => {
                let (frame, after) = rest.split_at(length);
                // Nothing is copied: topic and payload point into `bytes`.
                println!(
                    "{length} bytes: {:?}",
                    Packet::decode(frame, Version::V311)?
                );
                rest = after;
            }
            Frame::Partial { needed } => {
                println!("{} bytes left, packet needs {needed:?}", rest.len());
                return Ok(());
            }
            Frame::Oversized { length } => {
                return Err(format!("{length} bytes are too many").into());
            }
            Frame::Malformed => return Err("this is not MQTT".into()),
        }
    }
}

fn hexadecimal(text: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let digits: Vec<u32> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16).ok_or("not a hexadecimal digit"))
        .collect::<Result<_, _>>()?;
    let (pairs, odd) = digits.as_chunks::<2>();
    if !odd.is_empty() {
        return Err("an odd number of digits".into());
    }
    Ok(pairs
        .iter()
        .map(|[high, low]| (high * 16 + low) as u8)
        .collect())
}
