//! Any bytes, as a packet of either version: no panic; what decodes is, encoded again, the same packet in no more
//! bytes; every slice but the right one is refused with the length that is needed; the framer agrees.
#![no_main]

use bitsperity_mqtt_core::framer::{Frame, fixed_header_length, next_frame};
use bitsperity_mqtt_core::limits::{MAX_FIXED_HEADER, MAX_REMAINING_LENGTH};
use bitsperity_mqtt_core::packet::{EncodeError, Packet, Version};
use libfuzzer_sys::fuzz_target;

const NO_BOUND: usize = MAX_REMAINING_LENGTH as usize + MAX_FIXED_HEADER;

fuzz_target!(|bytes: &[u8]| {
    for version in [Version::V311, Version::V5] {
        match Packet::decode(bytes, version) {
            Ok(packet) => there_and_back(bytes, packet, version),
            Err(error) => {
                assert!(!error.to_string().is_empty());
                error.statement(version);
            }
        }
    }
});

fn there_and_back(bytes: &[u8], packet: Packet<'_>, version: Version) {
    assert_eq!(next_frame(bytes, NO_BOUND), Frame::Whole(bytes.len()));
    assert!(fixed_header_length(bytes).is_some());

    // Optional fields that say what their absence says are left out, so never more bytes.
    let mut out = vec![0xa5; bytes.len() + 1];
    let length = packet
        .encode(version, &mut out)
        .expect("what decoded breaks no rule");
    assert!(length <= bytes.len(), "{length} bytes for {}", bytes.len());
    assert_eq!(out[length..].iter().find(|&&byte| byte != 0xa5), None);
    let again = Packet::decode(&out[..length], version).expect("what was encoded decodes");
    assert_eq!(again, packet);

    let mut canonical = vec![0; length];
    assert_eq!(again.encode(version, &mut canonical), Ok(length));
    assert_eq!(canonical, out[..length]);
    assert_eq!(
        packet.encode(version, &mut canonical[1..]),
        Err(EncodeError::OutputTooSmall { needed: length })
    );
    assert!(!format!("{packet:?}").is_empty());
}
