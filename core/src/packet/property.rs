//! Properties of MQTT 5.0 (section 2.2.2): 27 of them, each allowed in some packets only.

/// One property with its value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // the standard's names and types
pub enum Property<'a> {
    PayloadFormatIndicator(bool),
    MessageExpiryInterval(u32),
    ContentType(&'a str),
    ResponseTopic(&'a str),
    CorrelationData(&'a [u8]),
    SubscriptionIdentifier(u32),
    SessionExpiryInterval(u32),
    AssignedClientIdentifier(&'a str),
    ServerKeepAlive(u16),
    AuthenticationMethod(&'a str),
    AuthenticationData(&'a [u8]),
    RequestProblemInformation(bool),
    WillDelayInterval(u32),
    RequestResponseInformation(bool),
    ResponseInformation(&'a str),
    ServerReference(&'a str),
    ReasonString(&'a str),
    ReceiveMaximum(u16),
    TopicAliasMaximum(u16),
    TopicAlias(u16),
    MaximumQoS(u8),
    RetainAvailable(bool),
    UserProperty(&'a str, &'a str),
    MaximumPacketSize(u32),
    WildcardSubscriptionAvailable(bool),
    SubscriptionIdentifierAvailable(bool),
    SharedSubscriptionAvailable(bool),
}

/// The properties of one packet: a list of the caller's to encode, or validated bytes that were decoded.
/// Empty in 3.1.1.
#[derive(Clone, Copy, Debug)]
pub struct Properties<'a> {
    source: Source<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Source<'a> {
    List(&'a [Property<'a>]),
    #[allow(dead_code)]
    Wire(&'a [u8]),
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

    /// Each property in the order of the wire.
    pub fn iter(&self) -> PropertyIter<'a> {
        let _ = self.source;
        todo!()
    }
}

impl PartialEq for Properties<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

/// Iterator of [`Properties::iter`].
#[derive(Clone, Debug)]
pub struct PropertyIter<'a> {
    #[allow(dead_code)]
    source: Source<'a>,
}

impl<'a> Iterator for PropertyIter<'a> {
    type Item = Property<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        todo!()
    }
}
