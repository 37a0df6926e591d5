//! Every vector of `tests/vectors/*.tsv`: decoded, its meaning or its fault compared, encoded again, cut at every
//! byte, and with every bit turned.

use crate::describe::{describe, hex};
use bitsperity_mqtt_core::packet::{DecodeError, EncodeError, Packet, Version};
use std::collections::BTreeSet;

pub(crate) struct Vector {
    pub(crate) name: String,
    pub(crate) version: Version,
    pub(crate) bytes: Vec<u8>,
    pub(crate) expected: Expected,
    pub(crate) statement: Option<String>,
}

pub(crate) enum Expected {
    /// It means this; it is encoded so, or (`canonical` false) otherwise.
    Meaning { text: String, canonical: bool },
    /// It is malformed, in this way.
    Fault(String),
}

impl Vector {
    pub(crate) fn is_packet(&self) -> bool {
        matches!(self.expected, Expected::Meaning { .. })
    }
}

const FILES: [(&str, &str); 9] = [
    (
        "acknowledgements",
        include_str!("../vectors/acknowledgements.tsv"),
    ),
    ("connack", include_str!("../vectors/connack.tsv")),
    ("connect", include_str!("../vectors/connect.tsv")),
    ("disconnect", include_str!("../vectors/disconnect.tsv")),
    ("fixed_header", include_str!("../vectors/fixed_header.tsv")),
    ("properties", include_str!("../vectors/properties.tsv")),
    (
        "property_values",
        include_str!("../vectors/property_values.tsv"),
    ),
    ("publish", include_str!("../vectors/publish.tsv")),
    ("subscribe", include_str!("../vectors/subscribe.tsv")),
];

/// All of them; under Miri, which takes a thousand times as long, the short ones.
pub(crate) fn all() -> Vec<Vector> {
    lines()
        .filter(|(_, line)| !cfg!(miri) || line.len() < 200)
        .map(|(file, line)| parse(file, line))
        .collect()
}

/// For tests that take each of them many times: all; under Miri one of each packet type and of each way of being
/// malformed in it.
pub(crate) fn some() -> Vec<Vector> {
    let mut kinds = BTreeSet::new();
    lines()
        .filter(|(_, line)| !cfg!(miri) || kinds.insert(kind(line)))
        .map(|(file, line)| parse(file, line))
        .collect()
}

fn lines() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = |(file, text): (_, &'static str)| text.lines().map(move |line| (file, line));
    FILES
        .into_iter()
        .flat_map(lines)
        .filter(|(_, line)| !line.starts_with('#'))
}

/// Version, packet type and way of being malformed.
fn kind(line: &str) -> [&str; 3] {
    let columns: Vec<&str> = line.split('\t').collect();
    let fault = columns[3].strip_prefix("! ").unwrap_or_default();
    let fault = fault.split('(').next().unwrap_or_default();
    [columns[1], columns[2].get(..1).unwrap_or_default(), fault]
}

fn parse(file: &str, line: &str) -> Vector {
    let columns: Vec<&str> = line.split('\t').collect();
    let [name, version, bytes, expected, statement] = columns[..] else {
        panic!("{file}: five columns expected: {line}");
    };
    let bytes: Vec<u8> = (0..bytes.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&bytes[at..at + 2], 16).expect(line))
        .collect();
    Vector {
        name: format!("{file}: {name} ({version})"),
        version: match version {
            "5" => Version::V5,
            "3.1.1" => Version::V311,
            _ => panic!("{file}: {line}"),
        },
        bytes,
        expected: match expected.split_at(2) {
            ("! ", fault) => Expected::Fault(fault.into()),
            ("~ ", text) => Expected::Meaning {
                text: text.into(),
                canonical: false,
            },
            _ => Expected::Meaning {
                text: expected.into(),
                canonical: true,
            },
        },
        statement: (statement != "-").then(|| statement.into()),
    }
}

/// Encodes into a slice of exactly the length that is needed.
pub(crate) fn encode(packet: &Packet<'_>, version: Version) -> Result<Vec<u8>, EncodeError> {
    let needed = match packet.encode(version, &mut []) {
        Err(EncodeError::OutputTooSmall { needed }) => needed,
        other => return other.map(|_| Vec::new()),
    };
    let mut out = vec![0xaa; needed];
    assert_eq!(packet.encode(version, &mut out)?, needed);
    Ok(out)
}

#[test]
fn every_vector_means_what_it_says() {
    let mut wrong = Vec::new();
    for vector in all() {
        let decoded = Packet::decode(&vector.bytes, vector.version);
        let found = match (&decoded, &vector.expected) {
            (Ok(packet), Expected::Meaning { text, canonical }) => {
                let again = encode(packet, vector.version);
                if describe(packet) != *text {
                    Some(describe(packet))
                } else if (again.as_ref() == Ok(&vector.bytes)) != *canonical {
                    Some(format!("encoded as {again:02x?}"))
                } else {
                    None
                }
            }
            (Err(error), Expected::Fault(fault)) => {
                let statement = error.statement(vector.version);
                (format!("{error:?}") != *fault || statement != vector.statement.as_deref())
                    .then(|| format!("{error:?} {statement:?}"))
            }
            (Ok(packet), Expected::Fault(_)) => Some(describe(packet)),
            (Err(error), _) => Some(format!("{error:?}")),
        };
        if let Some(found) = found {
            wrong.push(format!("{}: {}: {found}", vector.name, hex(&vector.bytes)));
        }
    }
    assert!(
        wrong.is_empty(),
        "{}\n{} wrong",
        wrong.join("\n"),
        wrong.len()
    );
}

#[test]
fn what_decodes_is_the_same_after_encoding() {
    for vector in some().iter().filter(|vector| vector.is_packet()) {
        let packet = Packet::decode(&vector.bytes, vector.version).unwrap();
        let bytes = encode(&packet, vector.version).unwrap();
        assert_eq!(
            Packet::decode(&bytes, vector.version),
            Ok(packet),
            "{}",
            vector.name
        );
        for short in 0..bytes.len() {
            let mut out = vec![0; short];
            let needed = bytes.len();
            assert_eq!(
                packet.encode(vector.version, &mut out),
                Err(EncodeError::OutputTooSmall { needed }),
                "{}",
                vector.name
            );
        }
    }
}

#[test]
fn a_packet_cut_anywhere_is_truncated() {
    for vector in some() {
        for length in 0..vector.bytes.len() {
            let cut = Packet::decode(&vector.bytes[..length], vector.version);
            if vector.is_packet() {
                assert_eq!(
                    cut,
                    Err(DecodeError::Truncated),
                    "{} at {length}",
                    vector.name
                );
            }
        }
    }
}

#[test]
fn a_packet_with_a_turned_bit_is_another_packet_or_malformed() {
    for vector in some().iter().filter(|vector| vector.is_packet()) {
        let mut bytes = vector.bytes.clone();
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            if let Ok(packet) = Packet::decode(&bytes, vector.version) {
                let again = encode(&packet, vector.version).unwrap();
                assert_eq!(Packet::decode(&again, vector.version), Ok(packet));
            }
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

#[test]
fn names_are_unique_and_every_packet_and_property_is_there() {
    let vectors = all();
    let names: BTreeSet<&str> = vectors.iter().map(|vector| vector.name.as_str()).collect();
    assert_eq!(names.len(), vectors.len());
    for (version, packets) in [(Version::V311, 14), (Version::V5, 15)] {
        let types: BTreeSet<u8> = vectors
            .iter()
            .filter(|vector| vector.version == version && vector.is_packet())
            .map(|vector| vector.bytes[0] >> 4)
            .collect();
        assert_eq!(types.len(), packets);
    }
}
