//! Texts of any number of devices in one arena, handed out once and never given back; and texts that are cut.

use core::fmt::Write;
use heapless::String;

/// Where a text stands in the arena.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Span {
    at: u32,
    len: u16,
}

/// The arena.
#[derive(Debug)]
pub(super) struct Names<B> {
    bytes: B,
    used: usize,
}

impl<B: AsMut<[u8]> + AsRef<[u8]>> Names<B> {
    pub(super) const fn new(bytes: B) -> Self {
        Self { bytes, used: 0 }
    }

    /// Keeps `text`, if there is room.
    pub(super) fn keep(&mut self, text: &str) -> Option<Span> {
        let at = u32::try_from(self.used).ok()?;
        let len = u16::try_from(text.len()).ok()?;
        let end = self.used.checked_add(text.len())?;
        let room = self.bytes.as_mut().get_mut(self.used..end)?;
        room.copy_from_slice(text.as_bytes());
        self.used = end;
        Some(Span { at, len })
    }

    pub(super) fn get(&self, span: Span) -> &str {
        let start = usize::try_from(span.at).unwrap_or(usize::MAX);
        let bytes = self.bytes.as_ref();
        let bytes = bytes.get(start..start.saturating_add(usize::from(span.len)));
        bytes
            .and_then(|bytes| core::str::from_utf8(bytes).ok())
            .unwrap_or("")
    }
}

/// Takes as much text as fits.
#[derive(Default)]
pub(super) struct Cut<const N: usize>(pub(super) String<N>);

impl<const N: usize> Write for Cut<N> {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        for c in text.chars() {
            if self.0.push(c).is_err() {
                break;
            }
        }
        Ok(())
    }
}
