//! Topic Aliases that the broker chose (3.3.2.3.4): each holds the Topic Name it stood for last on this connection.

use crate::limits::MAX_STRING;

/// Aliases that are announced at most, whatever the memory; only their lengths are kept here.
const MAX_ALIASES: usize = 64;

/// The table; its bytes are the caller's.
pub(super) struct Aliases<'s> {
    bytes: &'s mut [u8],
    /// 0: not set on this connection.
    lengths: [usize; MAX_ALIASES],
}

impl<'s> Aliases<'s> {
    pub(super) fn new(bytes: &'s mut [u8]) -> Self {
        Self {
            bytes,
            lengths: [0; MAX_ALIASES],
        }
    }

    /// Topic Alias Maximum: how many there is memory for.
    pub(super) fn maximum(&self) -> u16 {
        u16::try_from((self.bytes.len() / MAX_STRING).min(MAX_ALIASES)).unwrap_or(0)
    }

    /// A new connection knows none `[MQTT-3.3.2-7]` v5.
    pub(super) fn reset(&mut self) {
        self.lengths = [0; MAX_ALIASES];
    }

    /// Whether the broker may use `alias`: none is 0 `[MQTT-3.3.2-8]` v5, none above our maximum `[MQTT-3.1.2-26]` v5
    /// `[MQTT-3.3.2-11]` v5, none where we announced none `[MQTT-3.1.2-27]` v5; every other `[MQTT-3.3.2-10]` v5.
    pub(super) fn allows(&self, alias: u16) -> bool {
        alias > 0 && alias <= self.maximum()
    }

    /// `alias`, which is allowed, stands for `topic` from now on.
    pub(super) fn set(&mut self, alias: u16, topic: &[u8]) {
        let index = usize::from(alias).saturating_sub(1);
        let start = index * MAX_STRING;
        let slot = self.bytes.get_mut(start..start + topic.len());
        if let (Some(slot), Some(length)) = (slot, self.lengths.get_mut(index)) {
            slot.copy_from_slice(topic);
            *length = topic.len();
        }
    }

    /// What `alias` stands for.
    pub(super) fn get(&self, alias: u16) -> Option<&str> {
        let index = usize::from(alias).checked_sub(1)?;
        let length = *self.lengths.get(index).filter(|&&length| length > 0)?;
        let start = index * MAX_STRING;
        core::str::from_utf8(self.bytes.get(start..start + length)?).ok()
    }
}
