//! Keys that are addresses of devices: hardware addresses, short ones of meshes, IP addresses, serial numbers.
//!
//! Invariant: a time or a date is none, nor is a plain count.

/// Digits of a hardware address, and of a long one of a mesh.
const HARDWARE: [usize; 2] = [12, 16];

/// Whether a key is an address: `0x1615`, `!a2e227d4`, `a4:c1:38:11:22:33`, `00158d0001a2b3c4`, `116180213610`,
/// `192.168.1.20`.
pub(crate) fn is(key: &str) -> bool {
    // Most keys are words: their first byte tells.
    let Some(&first) = key.as_bytes().first() else {
        return false;
    };
    if !(first.is_ascii_hexdigit() || first == b'!') || !(4..=23).contains(&key.len()) {
        return false;
    }
    let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if let Some(short) = key.strip_prefix("0x").or_else(|| key.strip_prefix("0X")) {
        return (4..=16).contains(&short.len()) && hex(short);
    }
    if let Some(node) = key.strip_prefix('!') {
        return node.len() == 8 && hex(node);
    }
    if key.contains('.') {
        let mut parts = key.split('.');
        let all = parts.by_ref().take(4).filter(|it| it.parse::<u8>().is_ok());
        return all.count() == 4 && parts.next().is_none();
    }
    let digits = || key.bytes().filter(u8::is_ascii_hexdigit);
    if !HARDWARE.contains(&digits().count()) {
        return false;
    }
    let between = |byte: u8| matches!(byte, b':' | b'-' | b'_');
    let plain = digits().count() == key.len();
    let pairs = key.len() == digits().count() / 2 * 3 - 1
        && key.split([':', '-', '_']).all(|pair| pair.len() == 2);
    let any = digits().any(|byte| byte.is_ascii_digit());
    // Twelve decimal digits may be a serial number; a date begins with its century, and sixteen are microseconds.
    let decimal = digits().all(|byte| byte.is_ascii_digit());
    let date = key.starts_with("19") || key.starts_with("20");
    let serial = !decimal || key.len() == HARDWARE[0] && !date;
    any && (plain && serial || pairs && key.bytes().any(between))
}

#[cfg(test)]
mod tests {
    use super::is;

    #[test]
    fn addresses_are_told_from_words_counts_and_times() {
        for key in [
            "0x1615",
            "0x00158d0001a2b3c4",
            "!a2e227d4",
            "a4:c1:38:11:22:33",
            "A4-C1-38-11-22-33",
            "00158d0001a2b3c4",
            "116180213610",
            "192.168.1.20",
        ] {
            assert!(is(key), "{key}");
        }
        for key in [
            "",
            "temperature",
            "0x",
            "0",
            "12",
            "deadbeefcafe",
            "202611271907",
            "2026-11-27",
            "1700000000000000",
            "1700000000",
            "1.2.3",
            "1.2.3.4.5",
            "1.2.3.400",
            "face",
            "battery_level_1",
        ] {
            assert!(!is(key), "{key}");
        }
    }
}
