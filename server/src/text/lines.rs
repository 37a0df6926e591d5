//! Cuts a stream of bytes into lines, for whoever reads them: standard input, a socket, a file.
//!
//! Invariant: a line beyond the bound costs no more memory than the bound, and is reported once.

use std::io::{self, Read};
use zeroize::{Zeroize, Zeroizing};

/// Bytes asked for in one read.
pub(crate) const READ_CHUNK: usize = 64 << 10;

/// What a reader of lines finds.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Input {
    /// Without its newline.
    Line(Vec<u8>),
    /// Passed over.
    TooLong,
}

/// Cuts a stream into lines for `take`, until it ends or `take` returns false. The last line may lack its newline. What was
/// read is wiped as soon as it is in its line, because it may hold a password and this memory lives as long as the process.
pub(crate) fn read_lines(
    mut input: impl Read,
    max_line: usize,
    mut take: impl FnMut(Input) -> bool,
) -> io::Result<()> {
    let mut buffer = Zeroizing::new(vec![0; READ_CHUNK]);
    let mut lines = Cutter::new(max_line);
    loop {
        let count = match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let Some(chunk) = buffer.get_mut(..count) else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        let go_on = lines.cut(chunk, &mut take);
        chunk.zeroize();
        if !go_on {
            return Ok(());
        }
    }
    lines.finish(&mut take);
    Ok(())
}

/// Cuts what was read into lines.
pub(crate) struct Cutter {
    max_line: usize,
    line: Vec<u8>,
    /// The line is too long, which was told.
    discarding: bool,
}

impl Cutter {
    /// Nothing read yet.
    pub(crate) fn new(max_line: usize) -> Self {
        Self {
            max_line,
            line: Vec::new(),
            discarding: false,
        }
    }

    /// Gives each line that ends in `chunk` to `take`; false when that wants no more.
    pub(crate) fn cut(&mut self, chunk: &[u8], take: &mut impl FnMut(Input) -> bool) -> bool {
        for part in chunk.split_inclusive(|&byte| byte == b'\n') {
            let text = part.strip_suffix(b"\n").unwrap_or(part);
            if !self.discarding && self.line.len() + text.len() > self.max_line {
                self.discarding = true;
                self.line = Vec::new();
                if !take(Input::TooLong) {
                    return false;
                }
            }
            if !self.discarding {
                self.line.extend_from_slice(text);
            }
            if text.len() < part.len() {
                let line = std::mem::take(&mut self.line);
                if !self.discarding && !take(Input::Line(line)) {
                    return false;
                }
                self.discarding = false;
            }
        }
        true
    }

    /// The stream has ended: the last line may lack its newline.
    pub(crate) fn finish(self, take: &mut impl FnMut(Input) -> bool) {
        if !self.line.is_empty() {
            take(Input::Line(self.line));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(input: &[u8], max: usize) -> Vec<Input> {
        let mut seen = Vec::new();
        read_lines(input, max, |line| {
            seen.push(line);
            true
        })
        .unwrap();
        seen
    }

    fn line(text: &str) -> Input {
        Input::Line(text.as_bytes().to_vec())
    }

    #[test]
    fn cuts_lines_and_takes_a_last_one_without_newline() {
        assert_eq!(lines_of(b"", 8), []);
        assert_eq!(
            lines_of(b"a\n\nbc\r\nd", 8),
            [line("a"), line(""), line("bc\r"), line("d")]
        );
    }

    /// Gives one piece at each read, and sees what is left in the memory that it is given.
    struct Pieces(Vec<&'static [u8]>);

    impl Read for Pieces {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            assert!(room.iter().all(|&byte| byte == 0), "left behind");
            let piece = self.0.pop().unwrap_or_default();
            room[..piece.len()].copy_from_slice(piece);
            Ok(piece.len())
        }
    }

    #[test]
    fn what_was_read_is_wiped_before_more_is_read() {
        let pieces = Pieces(vec![b"end", b"ond\nthird is too long", b"first\nsec"]);
        let mut seen = Vec::new();
        read_lines(pieces, 10, |line| {
            seen.push(line);
            true
        })
        .unwrap();
        assert_eq!(seen, [line("first"), line("second"), Input::TooLong]);
    }

    #[test]
    fn discards_an_over_long_line_up_to_its_newline() {
        assert_eq!(lines_of(b"12345678\n", 8), [line("12345678")]);
        assert_eq!(
            lines_of(b"123456789\nok\n", 8),
            [Input::TooLong, line("ok")]
        );
        let mut long = vec![b'x'; 3 * READ_CHUNK];
        long.extend_from_slice(b"\nok\n");
        assert_eq!(
            lines_of(&long, READ_CHUNK + 1),
            [Input::TooLong, line("ok")]
        );
        assert_eq!(lines_of(b"123456789", 8), [Input::TooLong]);
    }
}
