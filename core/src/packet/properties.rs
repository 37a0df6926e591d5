//! The properties of one packet. Which are allowed where: `admission`; looked up by name: `lookup`.
//! Sections 2.2.2 and the properties of each packet in chapter 3 of 5.0. What [`Properties`] holds from the
//! wire was checked when it was decoded, so that looking through it cannot fail.

use super::admission::{Admission, Ids};
use super::{DecodeError, EncodeError, PacketType, Property, Version};
use crate::limits::MAX_STRING;
use crate::wire::{Reader, Writer, is_plain, varint};

/// The properties of one packet: a list of the caller's to encode, or validated bytes that were decoded.
/// Empty in 3.1.1.
#[derive(Clone, Copy, Debug)]
pub struct Properties<'a> {
    source: Source<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Source<'a> {
    List(&'a [Property<'a>]),
    /// With the identifiers that are among them.
    Wire(&'a [u8], Ids),
}

impl<'a> Properties<'a> {
    /// No property.
    pub const NONE: Self = Self {
        source: Source::List(&[]),
    };

    /// These, to be encoded in this order.
    pub const fn list(list: &'a [Property<'a>]) -> Self {
        Self {
            source: Source::List(list),
        }
    }

    /// Whether there is none.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        match self.source {
            Source::List(list) => list.is_empty(),
            Source::Wire(bytes, _) => bytes.is_empty(),
        }
    }

    /// False if there is no property `id`, without looking through them where that is known.
    #[inline]
    pub(super) const fn may_hold(&self, id: u8) -> bool {
        match self.source {
            Source::List(_) => true,
            Source::Wire(_, ids) => ids.holds(id),
        }
    }

    /// Each property in the order of the wire.
    pub const fn iter(&self) -> PropertyIter<'a> {
        PropertyIter {
            source: self.source,
        }
    }

    /// The first property of which `pick` makes something.
    pub fn find<T>(&self, pick: impl FnMut(Property<'a>) -> Option<T>) -> Option<T> {
        self.iter().find_map(pick)
    }

    /// User Properties, in order: `(name, value)`.
    pub fn user_properties(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        self.iter().filter_map(|property| match property {
            Property::UserProperty(name, value) => Some((name, value)),
            _ => None,
        })
    }

    /// Subscription Identifiers: of a PUBLISH, one for each subscription it is for; of a SUBSCRIBE, one or none.
    pub fn subscription_identifiers(&self) -> impl Iterator<Item = u32> + use<'a> {
        let there = self.may_hold(Property::SUBSCRIPTION_IDENTIFIER);
        let properties = if there { *self } else { Self::NONE };
        properties.iter().filter_map(|property| match property {
            Property::SubscriptionIdentifier(id) => Some(id),
            _ => None,
        })
    }
}

impl<'a> Properties<'a> {
    /// Reads Property Length and properties, each checked for `home` (`None` is the Will).
    #[inline]
    pub(super) fn decode(
        reader: &mut Reader<'a>,
        home: Option<PacketType>,
        version: Version,
    ) -> Result<Self, DecodeError> {
        if version == Version::V311 {
            return Ok(Self::NONE);
        }
        let length = reader.varint()?;
        let bytes = usize::try_from(length)
            .ok()
            .and_then(|length| reader.take(length).ok())
            .ok_or(DecodeError::PropertyLength)?;
        if bytes.is_empty() {
            return Ok(Self::NONE);
        }
        let ids = examined(bytes, home)?;
        Ok(Self {
            source: Source::Wire(bytes, ids),
        })
    }

    /// Bytes of the properties, without Property Length, if they can be encoded into `home` (`None` is the Will).
    #[inline]
    pub(super) fn measure(
        &self,
        home: Option<PacketType>,
        version: Version,
    ) -> Result<usize, EncodeError> {
        match (self.is_empty(), version) {
            (true, _) => Ok(0),
            (false, Version::V311) => Err(EncodeError::NotInVersion),
            (false, Version::V5) => self.measure_each(home),
        }
    }

    fn measure_each(&self, home: Option<PacketType>) -> Result<usize, EncodeError> {
        let mut admission = Admission::new(home);
        match self.source {
            Source::List(list) => {
                let mut length: usize = 0;
                for property in list {
                    admission.admit(property.id())?;
                    length = length.saturating_add(property.measure()?);
                }
                Ok(length)
            }
            // Checked when they were decoded, and what differs from packet to packet is which may be there.
            Source::Wire(bytes, ids) => {
                if !Admission::takes_all(home, ids) {
                    self.iter()
                        .try_for_each(|property| admission.admit(property.id()))?;
                }
                Ok(bytes.len())
            }
        }
    }

    /// Writes Property Length and properties, of `length` bytes as [`Properties::measure`] found; nothing in 3.1.1. No
    /// properties are a Property Length of zero `[MQTT-2.2.2-1]` v5.
    #[inline]
    pub(super) fn write(&self, version: Version, length: usize, writer: &mut Writer<'_>) {
        match (version, length) {
            (Version::V311, _) => {}
            (Version::V5, 0) => writer.u8(0),
            (Version::V5, _) => self.write_each(length, writer.part(with_length(version, length))),
        }
    }

    fn write_each(&self, length: usize, out: &mut [u8]) {
        let mut writer = Writer::new(out);
        writer.varint(u32::try_from(length).unwrap_or(u32::MAX));
        match self.source {
            Source::Wire(bytes, _) => writer.bytes(bytes),
            Source::List(list) => list.iter().for_each(|property| property.write(&mut writer)),
        }
        debug_assert!(
            writer.is_full(),
            "properties are as long as they were measured"
        );
    }
}

/// Bytes of Property Length and of properties of `length` bytes.
#[inline]
pub(super) fn with_length(version: Version, length: usize) -> usize {
    match version {
        Version::V311 => 0,
        Version::V5 => {
            length.saturating_add(varint::length(u32::try_from(length).unwrap_or(u32::MAX)))
        }
    }
}

/// The identifiers of the properties that `bytes` are, each checked for `home`.
fn examined(bytes: &[u8], home: Option<PacketType>) -> Result<Ids, DecodeError> {
    let mut admission = Admission::new(home);
    let mut rest = Reader::new(bytes);
    while !rest.is_empty() {
        Property::examine(&mut rest, &mut admission).map_err(|error| match error {
            DecodeError::Truncated => DecodeError::PropertyLength,
            error => error,
        })?;
    }
    Ok(admission.seen())
}

impl PartialEq for Properties<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<'a> IntoIterator for &Properties<'a> {
    type Item = Property<'a>;
    type IntoIter = PropertyIter<'a>;

    fn into_iter(self) -> PropertyIter<'a> {
        self.iter()
    }
}

/// Iterator of [`Properties::iter`].
#[derive(Clone, Debug)]
pub struct PropertyIter<'a> {
    source: Source<'a>,
}

impl<'a> Iterator for PropertyIter<'a> {
    type Item = Property<'a>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self.source {
            Source::List(list) => {
                let (&property, rest) = list.split_first()?;
                self.source = Source::List(rest);
                Some(property)
            }
            Source::Wire(bytes, ids) => {
                let mut reader = Reader::new(bytes);
                let property = Property::read(&mut reader).ok()?;
                self.source = Source::Wire(reader.rest(), ids);
                Some(property)
            }
        }
    }
}

impl core::iter::FusedIterator for PropertyIter<'_> {}

/// Bytes of `string` on the wire, if it can be a UTF-8 Encoded String (1.5.4).
#[inline]
pub(super) fn string_size(string: &str) -> Result<usize, EncodeError> {
    let size = binary_size(string.as_bytes())?;
    if !is_plain(string.as_bytes()) && string.contains('\0') {
        return Err(EncodeError::Invalid(DecodeError::Nul));
    }
    Ok(size)
}

/// Bytes of `bytes` on the wire, if they can be Binary Data (1.5.6).
#[inline]
pub(super) const fn binary_size(bytes: &[u8]) -> Result<usize, EncodeError> {
    if bytes.len() > MAX_STRING {
        return Err(EncodeError::FieldTooLong);
    }
    Ok(2 + bytes.len())
}
