//! Events as compact JSON in a buffer. Invariant: whatever the events and the room, what is written is valid JSON: what
//! does not fit is left out from the first such value on, and what is open is closed.

use super::{Leaf, MAX_DEPTH, Sink};
use core::fmt::{self, Write};

/// Bytes of a byte string that are shown, two digits each.
const SHOWN: usize = 64;

pub(super) struct JsonOut<'b> {
    room: &'b mut [u8],
    used: usize,
    /// Where the last whole value ended: what is behind it goes if there is too little room.
    safe: usize,
    /// Closing marks of what is open.
    open: heapless::Vec<u8, { MAX_DEPTH + 1 }>,
    /// A comma is due before the next member or element.
    comma: bool,
    full: bool,
}

impl Write for JsonOut<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // Room to close what is open stays.
        let end = self.used + text.len();
        if end + MAX_DEPTH + 2 > self.room.len() {
            return Err(fmt::Error);
        }
        let room = self.room.get_mut(self.used..end).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.used = end;
        Ok(())
    }
}

impl<'b> JsonOut<'b> {
    pub(super) fn new(room: &'b mut [u8]) -> Self {
        Self {
            room,
            used: 0,
            safe: 0,
            open: heapless::Vec::new(),
            comma: false,
            full: false,
        }
    }

    /// Forgets what was written.
    pub(super) fn clear(&mut self) {
        (self.used, self.safe) = (0, 0);
        self.open.clear();
        (self.comma, self.full) = (false, false);
    }

    /// What was written, if anything was, and whether that is all.
    pub(super) fn finish(mut self) -> (Option<&'b str>, bool) {
        self.used = self.safe;
        while let Some(mark) = self.open.pop() {
            if let Some(place) = self.room.get_mut(self.used) {
                *place = mark;
                self.used += 1;
            }
        }
        let text = self
            .room
            .get(..self.used)
            .and_then(|it| core::str::from_utf8(it).ok());
        (text.filter(|text| !text.is_empty()), !self.full)
    }

    fn write(&mut self, what: impl FnOnce(&mut Self) -> fmt::Result) -> bool {
        if self.full {
            return false;
        }
        let comma = core::mem::take(&mut self.comma);
        let done = if comma { self.write_char(',') } else { Ok(()) };
        self.full = done.and_then(|()| what(self)).is_err();
        !self.full
    }

    fn quoted(&mut self, parts: impl Iterator<Item = impl AsRef<str>>) -> fmt::Result {
        self.write_char('"')?;
        for part in parts {
            for c in part.as_ref().chars() {
                match c {
                    '"' => self.write_str("\\\"")?,
                    '\\' => self.write_str("\\\\")?,
                    c if c < ' ' => write!(self, "\\u{:04x}", u32::from(c))?,
                    c => self.write_char(c)?,
                }
            }
        }
        self.write_char('"')
    }

    fn value(&mut self, value: Leaf<'_>) -> fmt::Result {
        match value {
            Leaf::Null => self.write_str("null"),
            Leaf::Bool(flag) => write!(self, "{flag}"),
            Leaf::Int(number) => write!(self, "{number}"),
            // Debug writes large and small ones with an exponent.
            Leaf::Single(number) if number.is_finite() => write!(self, "{number:?}"),
            Leaf::Double(number) if number.is_finite() => write!(self, "{number:?}"),
            Leaf::Single(number) => self.no_number(f64::from(number)),
            Leaf::Double(number) => self.no_number(number),
            Leaf::Text(text) => self.quoted(core::iter::once(text)),
            Leaf::Pieces(pieces) => self.quoted(pieces.iter()),
            Leaf::Bytes(bytes) => {
                self.write_char('"')?;
                self.hex(bytes)?;
                self.write_char('"')
            }
        }
    }

    /// What JSON has no number for.
    fn no_number(&mut self, number: f64) -> fmt::Result {
        self.write_str(if number.is_nan() {
            "\"NaN\""
        } else if number > 0.0 {
            "\"Infinity\""
        } else {
            "\"-Infinity\""
        })
    }

    fn hex(&mut self, bytes: &[u8]) -> fmt::Result {
        for byte in bytes.iter().take(SHOWN) {
            write!(self, "{byte:02x}")?;
        }
        if bytes.len() > SHOWN {
            write!(self, "… ({} bytes)", bytes.len())?;
        }
        Ok(())
    }
}

impl Sink for JsonOut<'_> {
    fn open(&mut self, object: bool) {
        let (open, close) = if object { ('{', b'}') } else { ('[', b']') };
        if self.write(|out| out.write_char(open)) {
            self.full = self.open.push(close).is_err();
            self.safe = self.used;
        }
    }

    fn close(&mut self) {
        if self.full {
            return;
        }
        // The room for it was set aside.
        if let Some(mark) = self.open.pop()
            && let Some(place) = self.room.get_mut(self.used)
        {
            *place = mark;
            self.used += 1;
            self.safe = self.used;
        }
        self.comma = true;
    }

    fn key(&mut self, key: Leaf<'_>) {
        self.write(|out| {
            let bare = match key {
                Leaf::Null | Leaf::Bool(_) | Leaf::Int(_) => true,
                Leaf::Single(number) => number.is_finite(),
                Leaf::Double(number) => number.is_finite(),
                Leaf::Text(_) | Leaf::Pieces(_) | Leaf::Bytes(_) => false,
            };
            let quote = if bare { "\"" } else { "" };
            out.write_str(quote)?;
            out.value(key)?;
            out.write_str(quote)?;
            out.write_char(':')
        });
    }

    fn leaf(&mut self, value: Leaf<'_>) {
        if self.write(|out| out.value(value)) {
            self.safe = self.used;
        }
        self.comma = true;
    }
}
