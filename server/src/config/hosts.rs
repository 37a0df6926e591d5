//! Host patterns of the policy: an exact host, a network by prefix length, or a glob with `*`.
//!
//! Invariant: what could be read in two ways is not allowed. Patterns of numbers match addresses only, never names; names
//! are not resolved, so a network does not allow a name whose address lies in it; other spellings of an address
//! (`2130706433`, `0x7f.1`, `127.1`, a final dot) match only `*` or the very same text.

use std::net::IpAddr;

/// What `config show` and the refusal of a pattern say.
pub(super) const FORMS: &str = "a name (mqtt.example.com), a glob (*.example.com), an address (192.168.1.7, fd00::7), a network (192.168.0.0/16, fd00::/8), or a glob of an IPv4 address (192.168.*)";

/// Whether one of `patterns` allows `host`; none at all allow every host.
pub fn allow(patterns: &[String], host: &str) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| matches(pattern, host))
}

/// What is wrong with a pattern.
pub(super) fn check(pattern: &str) -> Result<(), String> {
    const NOT_PLAIN: &str = "give it without scheme or port, and without brackets";
    if pattern.contains("://") {
        return Err(NOT_PLAIN.to_owned());
    }
    if let Some((address, length)) = pattern.split_once('/') {
        let network = network(address, length);
        let (address, length) = network
            .ok_or("behind the / the length of an address's prefix must follow".to_owned())?;
        return match first(address, length) == bits(address) {
            true => Ok(()),
            false => Err(format!(
                "the address has bits behind its prefix of {length}"
            )),
        };
    }
    if pattern.contains(':') {
        return match pattern.parse::<IpAddr>() {
            Ok(_) => Ok(()),
            Err(_) => Err(NOT_PLAIN.to_owned()),
        };
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || b".-_*".contains(&b);
    match !pattern.is_empty() && pattern.bytes().all(plain) {
        true => Ok(()),
        false => Err("it holds a character that no host has".to_owned()),
    }
}

fn matches(pattern: &str, host: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    // A zone says by which of our interfaces an address is reached; it is no part of it.
    let address = host
        .split('%')
        .next()
        .and_then(|host| host.parse::<IpAddr>().ok());
    if let Some((of, length)) = pattern.split_once('/') {
        let within = |(of, length): (IpAddr, u32)| {
            let same = |address: IpAddr| {
                address.is_ipv4() == of.is_ipv4() && first(address, length) == first(of, length)
            };
            address.is_some_and(same)
        };
        return network(of, length).is_some_and(within);
    }
    if let Ok(exact) = pattern.parse::<IpAddr>() {
        return address == Some(exact);
    }
    let of_numbers = pattern
        .bytes()
        .all(|b| b.is_ascii_digit() || b == b'.' || b == b'*');
    match address {
        Some(IpAddr::V4(address)) => of_numbers && glob(pattern, &address.to_string()),
        Some(IpAddr::V6(_)) => false,
        None if ends_in_a_number(host) => pattern.eq_ignore_ascii_case(host),
        None => !of_numbers && names_match(pattern, host),
    }
}

/// Case does not matter, nor a final dot.
fn names_match(pattern: &str, host: &str) -> bool {
    let plain = |text: &str| text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    glob(&plain(pattern), &plain(host))
}

/// `*` stands for any run of characters.
fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        let Some((_, behind)) = rest.split_once(part) else {
            return false;
        };
        rest = behind;
    }
    rest.ends_with(last)
}

/// Resolvers take a host whose last label is a number, decimal or hexadecimal, for an address.
fn ends_in_a_number(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let last = host.rsplit('.').next().unwrap_or_default();
    let hexadecimal = last
        .get(..2)
        .is_some_and(|start| start.eq_ignore_ascii_case("0x"));
    hexadecimal || !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit())
}

fn network(address: &str, length: &str) -> Option<(IpAddr, u32)> {
    let address: IpAddr = address.parse().ok()?;
    let length: u32 = length.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    (length <= most).then_some((address, length))
}

/// An IPv4 address stands in the highest bits.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// The first address of the network with this length of prefix.
fn first(address: IpAddr, length: u32) -> u128 {
    let mask = u128::MAX.checked_shl(128_u32.saturating_sub(length));
    bits(address) & mask.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (pattern, host, expected) in [
            ("*.example.com", "a.Example.com.", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", "example.com.evil.org", false),
            ("*", "anything", true),
            ("*", "2130706433", true),
            ("mq*.lan", "mqtt.lan", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxcyyb", false),
            ("ab*ba", "aba", false),
            ("localhost", "localhost", true),
            ("localhost", "127.0.0.1", false),
            ("*a", "0x7f00000a", false),
            ("*1*", "10.0.0.1", true),
            ("1*.lan", "10.lan", true),
        ] {
            assert_eq!(matches(pattern, host), expected, "{pattern} {host}");
        }
    }

    #[test]
    fn addresses_and_networks() {
        for (pattern, host, expected) in [
            ("192.168.1.7", "192.168.1.7", true),
            ("192.168.1.7", "192.168.1.77", false),
            ("192.168.1.7", "192.168.1.7.", false),
            ("192.168.1.7", "::ffff:192.168.1.7", false),
            ("127.*", "127.0.0.1", true),
            ("127.*", "127.evil.example", false),
            ("127.*", "127.1", false),
            ("10.*.1", "10.2.3.1", true),
            ("192.168.0.0/16", "192.168.77.1", true),
            ("192.168.0.0/16", "192.169.0.1", false),
            ("192.168.0.0/16", "192.168.evil.example", false),
            ("10.0.0.0/8", "167772161", false),
            ("10.0.0.0/8", "0xa.1", false),
            ("0.0.0.0/0", "9.9.9.9", true),
            ("0.0.0.0/0", "::1", false),
            ("0.0.0.0/0", "a.name", false),
            ("fd00::/8", "fd12:3456::1", true),
            ("fd00::/8", "fe80::1", false),
            ("fe80::/10", "fe80::1%eth0", true),
            ("fe80::1", "fe80:0::1%eth0", true),
            ("::/0", "1.2.3.4", false),
            ("1.2.3.4/32", "1.2.3.4", true),
            ("1.2.3.4/32", "1.2.3.5", false),
        ] {
            assert_eq!(matches(pattern, host), expected, "{pattern} {host}");
        }
    }

    #[test]
    fn patterns_that_mean_nothing_are_refused() {
        for good in [
            "*.lan",
            "192.168.0.0/16",
            "fd00::/8",
            "::1",
            "10.*",
            "a_b-c.d",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "mqtt://h",
            "h:1883",
            "[::1]",
            "192.168.1.7/16",
            "10.0.0.0/33",
            "a.lan/8",
            "10.0.0.0/",
            "a b",
            "u@h",
            "fe80::1%eth0",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
