//! What a certificate says about itself, as far as it is needed to tell why it is not accepted: webpki refuses old
//! certificates before it says what is old about them. Nothing is trusted because of what is read here but a key under
//! `insecure_tls`, and the dates of a certificate that is known byte by byte.
//!
//! Invariant: any bytes are read without a panic, in time linear in their length.

use rustls::pki_types::UnixTime;

/// Object identifiers, as DER writes their contents.
const SHA1_SIGNATURES: [&[u8]; 2] = [
    // sha1WithRSAEncryption
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05],
    // ecdsa-with-SHA1
    &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01],
];
const MD5_SIGNATURE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x04];
const RSA_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OBJECT: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;

/// Bits of the smallest RSA key that is accepted.
pub(super) const MIN_RSA: usize = 2_048;

/// What a certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    /// 1, 2 or 3.
    pub version: u8,
    /// `SHA-1` or `MD5`, if it is signed with one of them.
    pub weak_hash: Option<&'static str>,
    /// Issuer and subject are the same.
    pub self_signed: bool,
    /// Seconds since 1970 from when to when it is valid.
    pub validity: Option<(i64, i64)>,
    /// Whether it has a subjectAltName.
    pub names: bool,
    /// The algorithm of its key, as webpki compares it.
    pub key_algorithm: Vec<u8>,
    /// Its key.
    pub key: Vec<u8>,
}

impl Facts {
    /// Of a certificate in DER; `None` if it is none.
    pub(super) fn read(certificate: &[u8]) -> Option<Self> {
        let mut rest = certificate;
        let mut rest = expect(&mut rest, SEQUENCE)?;
        let mut body = expect(&mut rest, SEQUENCE)?;
        let mut signature = expect(&mut rest, SEQUENCE)?;
        let signature = expect(&mut signature, OBJECT)?;
        let version = match body.first()? {
            &VERSION => {
                let mut version = expect(&mut body, VERSION)?;
                expect(&mut version, INTEGER)?.last()?.checked_add(1)?
            }
            _ => 1,
        };
        expect(&mut body, INTEGER)?;
        expect(&mut body, SEQUENCE)?;
        let issuer = expect(&mut body, SEQUENCE)?;
        let mut validity = expect(&mut body, SEQUENCE)?;
        let validity = time(&mut validity).zip(time(&mut validity));
        let subject = expect(&mut body, SEQUENCE)?;
        let mut key = expect(&mut body, SEQUENCE)?;
        let key_algorithm = expect(&mut key, SEQUENCE)?;
        // The first byte tells how many bits of the last one do not count: none.
        let key = expect(&mut key, BIT_STRING)?.strip_prefix(&[0])?;
        Some(Self {
            version,
            weak_hash: weak_hash(signature),
            self_signed: issuer == subject,
            validity,
            names: has_names(body),
            key_algorithm: key_algorithm.to_vec(),
            key: key.to_vec(),
        })
    }

    /// Bits of its key, if that is RSA.
    pub(super) fn rsa_bits(&self) -> Option<usize> {
        let mut algorithm = self.key_algorithm.as_slice();
        if expect(&mut algorithm, OBJECT)? != RSA_KEY {
            return None;
        }
        let mut key = self.key.as_slice();
        let mut key = expect(&mut key, SEQUENCE)?;
        let modulus = expect(&mut key, INTEGER)?;
        let zeros = modulus.iter().take_while(|byte| **byte == 0).count();
        let modulus = modulus.get(zeros..)?;
        let unused = modulus.first()?.leading_zeros() as usize;
        Some(modulus.len() * 8 - unused)
    }

    /// Whether `now` lies within its dates: too early, too late, or neither; `None` if it has none.
    pub(super) fn dated(&self, now: UnixTime) -> Option<std::cmp::Ordering> {
        let (from, to) = self.validity?;
        let now = i64::try_from(now.as_secs()).ok()?;
        Some(match now {
            now if now < from => std::cmp::Ordering::Less,
            now if now > to => std::cmp::Ordering::Greater,
            _ => std::cmp::Ordering::Equal,
        })
    }
}

fn weak_hash(signature: &[u8]) -> Option<&'static str> {
    if SHA1_SIGNATURES.contains(&signature) {
        Some("SHA-1")
    } else {
        (signature == MD5_SIGNATURE).then_some("MD5")
    }
}

/// What stands behind the key: extensions, among them perhaps names.
fn has_names(mut rest: &[u8]) -> bool {
    while let Some((tag, mut contents)) = take(&mut rest) {
        if tag != EXTENSIONS {
            continue;
        }
        let Some(mut extensions) = expect(&mut contents, SEQUENCE) else {
            return false;
        };
        while let Some(mut extension) = expect(&mut extensions, SEQUENCE) {
            if expect(&mut extension, OBJECT) == Some(SUBJECT_ALT_NAME) {
                return true;
            }
        }
    }
    false
}

/// The next element's tag and contents; `from` stands behind it then.
fn take<'a>(from: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (&tag, rest) = from.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let mut length = usize::from(first);
    if first >= 0x80 {
        let (bytes, behind) = rest.split_at_checked(usize::from(first & 0x7f))?;
        if bytes.is_empty() || bytes.len() > 3 {
            return None;
        }
        length = bytes
            .iter()
            .fold(0, |length, byte| length << 8 | usize::from(*byte));
        rest = behind;
    }
    let (contents, rest) = rest.split_at_checked(length)?;
    *from = rest;
    Some((tag, contents))
}

fn expect<'a>(from: &mut &'a [u8], wanted: u8) -> Option<&'a [u8]> {
    let (tag, contents) = take(from)?;
    (tag == wanted).then_some(contents)
}

/// `YYMMDDhhmmssZ` or `YYYYMMDDhhmmssZ`, in seconds since 1970.
fn time(from: &mut &[u8]) -> Option<i64> {
    let (tag, text) = take(from)?;
    let text = text.strip_suffix(b"Z")?;
    if !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = |range: std::ops::Range<usize>| -> Option<i16> {
        std::str::from_utf8(text.get(range)?).ok()?.parse().ok()
    };
    let (year, at) = match (tag, text.len()) {
        // RFC 5280: 50 to 99 are of the last century.
        (UTC_TIME, 12) => match number(0..2)? {
            year if year < 50 => (2_000 + year, 2),
            year => (1_900 + year, 2),
        },
        (GENERALIZED_TIME, 14) => (number(0..4)?, 4),
        _ => return None,
    };
    let part = |nth: usize| i8::try_from(number(at + 2 * nth..at + 2 * nth + 2)?).ok();
    let when =
        jiff::civil::DateTime::new(year, part(0)?, part(1)?, part(2)?, part(3)?, part(4)?, 0);
    let when = when.ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(when.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    fn certificate(names: &[&str]) -> Vec<u8> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_before = date_time_ymd(2024, 2, 29);
        params.not_after = date_time_ymd(2061, 1, 1);
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn a_certificate_of_today() {
        let facts = Facts::read(&certificate(&["localhost"])).unwrap();
        assert_eq!((facts.version, facts.weak_hash), (3, None));
        assert!(facts.self_signed && facts.names);
        assert_eq!(facts.rsa_bits(), None);
        // 2024-02-29 as UTCTime, 2061-01-01 as GeneralizedTime.
        assert_eq!(facts.validity, Some((1_709_164_800, 2_871_763_200)));
        let at = |seconds| {
            facts.dated(UnixTime::since_unix_epoch(std::time::Duration::from_secs(
                seconds,
            )))
        };
        assert_eq!(at(1_709_164_799), Some(std::cmp::Ordering::Less));
        assert_eq!(at(1_709_164_800), Some(std::cmp::Ordering::Equal));
        assert_eq!(at(2_871_763_201), Some(std::cmp::Ordering::Greater));
        assert!(!Facts::read(&certificate(&[])).unwrap().names);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic() {
        let whole = certificate(&["localhost"]);
        for length in 0..whole.len() {
            assert_eq!(Facts::read(&whole[..length]), None);
        }
        for at in 0..whole.len() {
            for byte in [0, 0x30, 0x7f, 0x80, 0x84, 0xff] {
                let mut changed = whole.clone();
                changed[at] = byte;
                if let Some(facts) = Facts::read(&changed) {
                    let _ = facts.rsa_bits();
                }
            }
        }
    }
}
