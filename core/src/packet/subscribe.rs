//! SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK (3.8 to 3.11).

use super::{PacketId, Properties, QoS, Reason};

/// Whether a SUBSCRIBE asks for retained messages (5.0 section 3.8.3.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum RetainHandling {
    /// Send them; what 3.1.1 always does.
    #[default]
    Send = 0,
    /// Send them only if the subscription is new.
    SendIfNew = 1,
    /// Do not send them.
    DoNotSend = 2,
}

/// Options of one subscription; 3.1.1 has the QoS only.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SubscriptionOptions {
    /// Highest QoS the broker may deliver with.
    pub qos: QoS,
    /// Do not send back what this client published.
    pub no_local: bool,
    /// Keep the RETAIN flag as it was published.
    pub retain_as_published: bool,
    /// Retained messages at subscribing.
    pub retain_handling: RetainHandling,
}

/// Topic Filters with what belongs to each: a list of the caller's, or validated bytes that were decoded.
/// `O` is [`SubscriptionOptions`] in SUBSCRIBE and `()` in UNSUBSCRIBE.
#[derive(Clone, Copy, Debug)]
pub struct Filters<'a, O> {
    source: Source<'a, O>,
}

#[derive(Clone, Copy, Debug)]
enum Source<'a, O> {
    List(&'a [(&'a str, O)]),
    #[allow(dead_code)]
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

impl<O> PartialEq for Filters<'_, O> {
    fn eq(&self, _other: &Self) -> bool {
        let _ = &self.source;
        todo!()
    }
}

/// SUBSCRIBE: at least one filter.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Subscribe<'a> {
    /// Answered by the SUBACK with the same one.
    pub packet_id: PacketId,
    /// Empty in 3.1.1.
    pub properties: Properties<'a>,
    /// What is subscribed to.
    pub filters: Filters<'a, SubscriptionOptions>,
}

/// SUBACK: one code a filter.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SubAck<'a> {
    /// Of the SUBSCRIBE.
    pub packet_id: PacketId,
    /// Empty in 3.1.1.
    pub properties: Properties<'a>,
    /// Granted QoS 0 to 2, or a failure from 0x80, one byte a filter. To be read by [`SubAck::reasons`].
    pub codes: &'a [u8],
}

impl SubAck<'_> {
    /// One reason a filter, in the order of the SUBSCRIBE.
    pub fn reasons(&self) -> impl Iterator<Item = Reason> + '_ {
        self.codes.iter().map(|&code| Reason(code))
    }
}

/// UNSUBSCRIBE: at least one filter.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Unsubscribe<'a> {
    /// Answered by the UNSUBACK with the same one.
    pub packet_id: PacketId,
    /// Empty in 3.1.1.
    pub properties: Properties<'a>,
    /// What is no longer wanted.
    pub filters: Filters<'a, ()>,
}

/// UNSUBACK.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct UnsubAck<'a> {
    /// Of the UNSUBSCRIBE.
    pub packet_id: PacketId,
    /// Empty in 3.1.1.
    pub properties: Properties<'a>,
    /// One code a filter in 5.0; empty in 3.1.1.
    pub codes: &'a [u8],
}
