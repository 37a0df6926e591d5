//! Topic Filters of SUBSCRIBE (3.8.3) and UNSUBSCRIBE (3.10.3). Those from the wire were checked when they were
//! decoded, so that going through them cannot fail.

use super::{DecodeError, EncodeError, PacketType, SubscriptionOptions, Version};
use crate::limits::MAX_STRING;
use crate::topic;
use crate::wire::{Reader, Writer};

/// Topic Filters with what belongs to each: a list of the caller's, or validated bytes that were decoded.
/// `O` is [`SubscriptionOptions`] in SUBSCRIBE and `()` in UNSUBSCRIBE.
#[derive(Clone, Copy, Debug)]
pub struct Filters<'a, O> {
    source: Source<'a, O>,
}

#[derive(Clone, Copy, Debug)]
enum Source<'a, O> {
    List(&'a [(&'a str, O)]),
    Wire(&'a [u8]),
}

impl<'a, O> Filters<'a, O> {
    /// These, in this order.
    pub const fn list(list: &'a [(&'a str, O)]) -> Self {
        Self {
            source: Source::List(list),
        }
    }
}

impl<'a, O: FilterOptions> Filters<'a, O> {
    /// Each filter with its options, in the order of the wire.
    pub const fn iter(&self) -> FilterIter<'a, O> {
        FilterIter {
            source: self.source,
        }
    }

    /// Reads all that is left: at least one filter `[MQTT-3.8.3-3]` v3.1.1, `[MQTT-3.8.3-2]` v5,
    /// `[MQTT-3.10.3-2]`.
    pub(super) fn decode(reader: Reader<'a>, version: Version) -> Result<Self, DecodeError> {
        let mut rest = reader;
        if rest.is_empty() {
            return Err(DecodeError::NoFilter(O::PACKET));
        }
        while !rest.is_empty() {
            let filter = rest.utf8()?;
            O::read(&mut rest)?.check(filter, version)?;
            validate(filter, version)?;
        }
        Ok(Self {
            source: Source::Wire(reader.rest()),
        })
    }

    /// Bytes on the wire, if they can be encoded.
    pub(super) fn measure(&self, version: Version) -> Result<usize, EncodeError> {
        let mut size: usize = 0;
        for (filter, options) in self.iter() {
            if filter.len() > MAX_STRING {
                return Err(EncodeError::FieldTooLong);
            }
            if version == Version::V311 && !options.fits_v311() {
                return Err(EncodeError::NotInVersion);
            }
            options.check(filter, version)?;
            validate(filter, version)?;
            size = size.saturating_add(2 + filter.len() + O::SIZE);
        }
        if size == 0 {
            return Err(EncodeError::Invalid(DecodeError::NoFilter(O::PACKET)));
        }
        Ok(size)
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        match self.source {
            Source::Wire(bytes) => writer.bytes(bytes),
            Source::List(list) => {
                for (filter, options) in list {
                    writer.binary(filter.as_bytes());
                    options.write(writer);
                }
            }
        }
    }
}

/// A Topic Filter (4.7); only 5.0 knows shared subscriptions.
fn validate(filter: &str, version: Version) -> Result<(), DecodeError> {
    match version {
        Version::V5 => topic::validate_filter(filter),
        Version::V311 => topic::validate_levels(filter),
    }
    .map_err(DecodeError::TopicFilter)
}

impl<O: FilterOptions + PartialEq> PartialEq for Filters<'_, O> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<'a, O: FilterOptions> IntoIterator for &Filters<'a, O> {
    type Item = (&'a str, O);
    type IntoIter = FilterIter<'a, O>;

    fn into_iter(self) -> FilterIter<'a, O> {
        self.iter()
    }
}

/// Iterator of [`Filters::iter`].
#[derive(Clone, Debug)]
pub struct FilterIter<'a, O> {
    source: Source<'a, O>,
}

impl<'a, O: FilterOptions> Iterator for FilterIter<'a, O> {
    type Item = (&'a str, O);

    fn next(&mut self) -> Option<Self::Item> {
        match self.source {
            Source::List(list) => {
                let (&entry, rest) = list.split_first()?;
                self.source = Source::List(rest);
                Some(entry)
            }
            Source::Wire(bytes) => {
                let mut reader = Reader::new(bytes);
                let filter = reader.utf8().ok()?;
                let options = O::read(&mut reader).ok()?;
                self.source = Source::Wire(reader.rest());
                Some((filter, options))
            }
        }
    }
}

impl<O: FilterOptions> core::iter::FusedIterator for FilterIter<'_, O> {}

/// What belongs to a filter: [`SubscriptionOptions`] or nothing. Closed: its methods are the codec's.
pub trait FilterOptions: Copy + sealed::OnWire {}

impl FilterOptions for SubscriptionOptions {}
impl FilterOptions for () {}

mod sealed {
    use super::{DecodeError, PacketType, Reader, SubscriptionOptions, Version, Writer, topic};

    #[allow(private_interfaces)] // nobody outside can name the trait
    pub trait OnWire: Sized {
        const PACKET: PacketType;
        /// Bytes on the wire.
        const SIZE: usize;
        fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError>;
        fn write(self, writer: &mut Writer<'_>);
        fn check(self, filter: &str, version: Version) -> Result<(), DecodeError>;
        fn fits_v311(self) -> bool;
    }

    #[allow(private_interfaces)]
    impl OnWire for SubscriptionOptions {
        const PACKET: PacketType = PacketType::Subscribe;
        const SIZE: usize = 1;

        fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
            let byte = reader.u8()?;
            Self::from_byte(byte).ok_or(DecodeError::SubscriptionOptions(byte))
        }

        fn write(self, writer: &mut Writer<'_>) {
            writer.u8(self.byte());
        }

        /// In 3.1.1 all bits but the QoS are reserved `[MQTT-3-8.3-4]` v3.1.1; in 5.0 the upper two
        /// `[MQTT-3.8.3-5]` v5, and a shared subscription has No Local 0 `[MQTT-3.8.3-4]` v5.
        fn check(self, filter: &str, version: Version) -> Result<(), DecodeError> {
            match version {
                Version::V311 if !self.fits_v311() => {
                    Err(DecodeError::SubscriptionOptions(self.byte()))
                }
                Version::V5 if self.no_local && topic::is_shared(filter) => {
                    Err(DecodeError::NoLocalShared)
                }
                _ => Ok(()),
            }
        }

        fn fits_v311(self) -> bool {
            self.byte() == self.qos.bits()
        }
    }

    #[allow(private_interfaces)]
    impl OnWire for () {
        const PACKET: PacketType = PacketType::Unsubscribe;
        const SIZE: usize = 0;

        fn read(_: &mut Reader<'_>) -> Result<Self, DecodeError> {
            Ok(())
        }

        fn write(self, _: &mut Writer<'_>) {}

        fn check(self, _: &str, _: Version) -> Result<(), DecodeError> {
            Ok(())
        }

        fn fits_v311(self) -> bool {
            true
        }
    }
}
