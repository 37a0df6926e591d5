//! The head of what a DEFLATE stream holds (RFC 1951), enough to say what it is.
//!
//! As much as fits a small buffer, which is also all the history that may be referred to; no checksum, which stands
//! behind what is not read. Invariant: time is linear in what is written, whatever the bytes; nothing is allocated.

/// Bytes of the head.
pub(super) const HEAD: usize = 256;

/// Symbols of the larger alphabet: literals, the end, lengths.
const SYMBOLS: usize = 288;
/// Bits of the longest code.
const LONGEST: usize = 15;

/// What is written so far.
pub(super) struct Head {
    bytes: [u8; HEAD],
    used: usize,
}

impl Head {
    pub(super) const fn new() -> Self {
        Self {
            bytes: [0; HEAD],
            used: 0,
        }
    }

    /// Writes a byte; none if there is no room, and nothing more has to be read.
    pub(super) fn put(&mut self, byte: u8) -> Option<()> {
        *self.bytes.get_mut(self.used)? = byte;
        self.used += 1;
        Some(())
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.used).unwrap_or(&[])
    }

    pub(super) fn full(&self) -> bool {
        self.used == HEAD
    }
}

/// Bits, the lowest of each byte first.
struct Bits<'a> {
    bytes: &'a [u8],
    held: u32,
    count: u32,
}

impl Bits<'_> {
    fn take(&mut self, count: u32) -> Option<usize> {
        while self.count < count {
            let (&byte, rest) = self.bytes.split_first()?;
            self.held |= u32::from(byte) << self.count;
            (self.bytes, self.count) = (rest, self.count + 8);
        }
        let taken = self.held & ((1 << count) - 1);
        self.held >>= count;
        self.count -= count;
        usize::try_from(taken).ok()
    }
}

/// A canonical prefix code: how many codes of each length, and their symbols in order.
struct Code {
    counts: [u16; LONGEST + 1],
    symbols: [u16; SYMBOLS],
}

impl Code {
    /// From the length of each symbol's code; none if there are more codes than bits can tell apart.
    fn new(lengths: &[u8]) -> Option<Self> {
        let mut counts = [0u16; LONGEST + 1];
        for &length in lengths {
            *counts.get_mut(usize::from(length))? += 1;
        }
        let mut left = 1i32;
        let mut starts = [0u16; LONGEST + 2];
        for (length, &count) in counts.iter().enumerate().skip(1) {
            left = left * 2 - i32::from(count);
            if left < 0 {
                return None;
            }
            let start = *starts.get(length)?;
            *starts.get_mut(length + 1)? = start + count;
        }
        let mut symbols = [0; SYMBOLS];
        for (symbol, &length) in (0..).zip(lengths).filter(|&(_, &length)| length > 0) {
            let place = starts.get_mut(usize::from(length))?;
            *symbols.get_mut(usize::from(*place))? = symbol;
            *place += 1;
        }
        Some(Self { counts, symbols })
    }

    fn next(&self, bits: &mut Bits<'_>) -> Option<usize> {
        let (mut code, mut first, mut index) = (0, 0, 0);
        for &count in self.counts.iter().skip(1) {
            code |= bits.take(1)?;
            let count = usize::from(count);
            if code < first + count {
                let symbol = self.symbols.get(index + code - first)?;
                return Some(usize::from(*symbol));
            }
            index += count;
            first = (first + count) * 2;
            code *= 2;
        }
        None
    }
}

/// Writes the head of what `bytes` hold; none if they are malformed before it is full.
pub(super) fn inflate(bytes: &[u8], head: &mut Head) -> Option<()> {
    let mut bits = Bits {
        bytes,
        held: 0,
        count: 0,
    };
    loop {
        let last = bits.take(1)? == 1;
        let done = match bits.take(2)? {
            0 => stored(&mut bits, head),
            1 => {
                let mut lengths = [8; SYMBOLS];
                for (n, length) in lengths.iter_mut().enumerate() {
                    *length = match n {
                        144..256 => 9,
                        256..280 => 7,
                        _ => 8,
                    };
                }
                coded(
                    &mut bits,
                    head,
                    &Code::new(&lengths)?,
                    &Code::new(&[5; 30])?,
                )
            }
            2 => {
                let (symbols, distances) = codes(&mut bits)?;
                coded(&mut bits, head, &symbols, &distances)
            }
            _ => None,
        };
        if head.full() {
            return Some(());
        }
        done?;
        if last {
            return Some(());
        }
    }
}

/// 3.2.4
fn stored(bits: &mut Bits<'_>, head: &mut Head) -> Option<()> {
    (bits.held, bits.count) = (0, 0);
    let (&[a, b, c, d], rest) = bits.bytes.split_first_chunk()?;
    if [!a, !b] != [c, d] {
        return None;
    }
    let (bytes, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes([a, b])))?;
    bits.bytes = rest;
    bytes.iter().try_for_each(|&byte| head.put(byte))
}

/// 3.2.7
fn codes(bits: &mut Bits<'_>) -> Option<(Code, Code)> {
    const ORDER: [usize; 19] = [
        16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
    ];
    let (symbols, distances) = (bits.take(5)? + 257, bits.take(5)? + 1);
    let mut lengths = [0u8; 19];
    let count = bits.take(4)? + 4;
    for &place in ORDER.iter().take(count) {
        *lengths.get_mut(place)? = u8::try_from(bits.take(3)?).ok()?;
    }
    let code = Code::new(&lengths)?;
    let mut lengths = [0u8; 320];
    let mut at = 0;
    while at < symbols + distances {
        let (length, times) = match code.next(bits)? {
            length @ 0..16 => (u8::try_from(length).ok()?, 1),
            16 => (*lengths.get(at.checked_sub(1)?)?, bits.take(2)? + 3),
            17 => (0, bits.take(3)? + 3),
            _ => (0, bits.take(7)? + 11),
        };
        lengths.get_mut(at..at + times)?.fill(length);
        at += times;
    }
    let (symbols, rest) = lengths.split_at_checked(symbols)?;
    Some((Code::new(symbols)?, Code::new(rest.get(..distances)?)?))
}

/// 3.2.5
fn coded(bits: &mut Bits<'_>, head: &mut Head, symbols: &Code, distances: &Code) -> Option<()> {
    loop {
        let symbol = symbols.next(bits)?;
        let length = match symbol {
            0..256 => {
                head.put(u8::try_from(symbol).ok()?)?;
                continue;
            }
            256 => return Some(()),
            257..265 => symbol - 254,
            285 => 258,
            265..285 => stepped(bits, symbol - 261, 2)? + 3,
            _ => return None,
        };
        let distance = match distances.next(bits)? {
            code @ 0..4 => code + 1,
            code @ 4..30 => stepped(bits, code - 2, 1)? + 1,
            _ => return None,
        };
        let from = head.used.checked_sub(distance)?;
        for at in from..from + length {
            let byte = *head.bytes.get(at)?;
            head.put(byte)?;
        }
    }
}

/// A length or distance of which the code tells the front: each `1 << shift` codes hold one bit more behind them.
fn stepped(bits: &mut Bits<'_>, code: usize, shift: u32) -> Option<usize> {
    let extra = u32::try_from(code >> shift).ok()?;
    let front = (1 << shift) + (code & ((1 << shift) - 1));
    Some((front << extra) + bits.take(extra)?)
}
