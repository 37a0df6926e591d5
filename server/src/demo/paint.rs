//! What the demo prints: colour and a live progress line on a terminal only, lines cut to its width.
//! `NO_COLOR` is honoured (<https://no-color.org>); a closed pipe is no reason to panic.

use serde_json::Value;
use std::io::{IsTerminal, Write};
use std::time::Duration;

/// Columns when nobody says how many there are.
const WIDTH: usize = 100;

/// Columns that a line uses at most; longer ones are hard to read.
const MAX_WIDTH: usize = 140;

#[derive(Clone, Copy)]
pub(super) enum Style {
    Plain,
    Bold,
    Dim,
    Green,
    Yellow,
    Red,
    Cyan,
}

/// Writes to standard output.
pub(super) struct Painter {
    colour: bool,
    terminal: bool,
    width: usize,
    /// A progress line stands there and must be wiped first.
    live: bool,
}

impl Painter {
    pub(super) fn new() -> Self {
        let terminal = std::io::stdout().is_terminal();
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        let width = terminal_size::terminal_size().map_or(WIDTH, |(width, _)| usize::from(width.0));
        Self {
            colour: terminal && !no_colour && !dumb,
            terminal: terminal && !dumb,
            width: width.clamp(40, MAX_WIDTH),
            live: false,
        }
    }

    /// One line, cut to the width.
    pub(super) fn line(&mut self, style: Style, line: &str) {
        let cut = cut(line, self.width);
        self.whole(style, &cut);
    }

    /// One line as it is: to be copied.
    pub(super) fn whole(&mut self, style: Style, line: &str) {
        self.wipe();
        let code = match style {
            Style::Plain => "",
            Style::Bold => "1",
            Style::Dim => "2",
            Style::Green => "32",
            Style::Yellow => "33",
            Style::Red => "31",
            Style::Cyan => "36",
        };
        if self.colour && !code.is_empty() {
            self.put(&format!("\x1b[{code}m{line}\x1b[0m\n"));
        } else {
            self.put(&format!("{line}\n"));
        }
    }

    /// A sentence, on as many lines as it takes.
    pub(super) fn sentence(&mut self, style: Style, indent: &str, sentence: &str) {
        for line in wrap(sentence, self.width.saturating_sub(indent.chars().count())) {
            self.whole(style, &format!("{indent}{line}"));
        }
    }

    /// What the assistant is about to do and why.
    pub(super) fn heading(&mut self, text: &str) {
        self.line(Style::Plain, "");
        self.line(Style::Bold, &format!("● {text}"));
    }

    /// A request: the method or tool and its arguments; the session goes without saying.
    pub(super) fn asked(&mut self, what: &str, arguments: &Value) {
        let shown: Vec<String> = arguments
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(name, _)| *name != "session_id")
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        let line = format!("  → {what} {}", shown.join(", "));
        self.line(Style::Cyan, line.trim_end());
    }

    /// The answer: its cost in one line, then what matters of it.
    pub(super) fn answered(
        &mut self,
        took: Duration,
        bytes: usize,
        memory: Option<u64>,
        lines: &[String],
    ) {
        let memory =
            memory.map_or_else(String::new, |bytes| format!(", server at {}", size(bytes)));
        self.line(
            Style::Green,
            &format!("  ← {} in {}{memory}", size(bytes as u64), time(took)),
        );
        for line in lines {
            self.line(Style::Plain, &format!("    {line}"));
        }
    }

    /// Progress: one line that changes on a terminal, one line each elsewhere.
    pub(super) fn progress(&mut self, text: &str) {
        if self.terminal {
            let line = cut(&format!("  … {text}"), self.width.saturating_sub(1));
            self.wipe();
            self.put(&line);
            self.live = true;
        } else {
            self.line(Style::Dim, &format!("  … {text}"));
        }
    }

    fn wipe(&mut self) {
        if self.live {
            self.live = false;
            self.put("\r\x1b[2K");
        }
    }

    fn put(&self, text: &str) {
        let mut stdout = std::io::stdout().lock();
        let _ = stdout
            .write_all(text.as_bytes())
            .and_then(|()| stdout.flush());
    }
}

/// Broken between words, so that no line is longer than `width` unless a word is.
fn wrap(sentence: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in sentence.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// At most `width` characters; what was cut shows as an ellipsis. Control characters of third parties do not reach
/// the terminal.
pub(super) fn cut(line: &str, width: usize) -> String {
    let clean = line.chars().map(|c| if c.is_control() { ' ' } else { c });
    if line.chars().count() <= width {
        return clean.collect();
    }
    let mut cut: String = clean.take(width.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// `417 B`, `12.3 KiB`, `7.1 MiB`.
pub(super) fn size(bytes: u64) -> String {
    let kibibytes = bytes as f64 / 1024.0;
    if bytes < 1024 {
        format!("{bytes} B")
    } else if kibibytes < 1024.0 {
        format!("{kibibytes:.1} KiB")
    } else {
        format!("{:.1} MiB", kibibytes / 1024.0)
    }
}

/// `0.42 ms`, `37 ms`, `4.02 s`.
pub(super) fn time(took: Duration) -> String {
    let milliseconds = took.as_secs_f64() * 1000.0;
    if milliseconds < 10.0 {
        format!("{milliseconds:.2} ms")
    } else if milliseconds < 1000.0 {
        format!("{milliseconds:.0} ms")
    } else {
        format!("{:.2} s", milliseconds / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{cut, size, time, wrap};
    use std::time::Duration;

    #[test]
    fn a_line_is_cut_and_carries_no_control_characters() {
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("abcd", 4), "abcd");
        assert_eq!(cut("a\x1b[2Jb", 10), "a [2Jb");
    }

    #[test]
    fn a_sentence_is_broken_between_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
    }

    #[test]
    fn quantities_have_units() {
        assert_eq!(size(417), "417 B");
        assert_eq!(size(7_444_889), "7.1 MiB");
        assert_eq!(time(Duration::from_micros(420)), "0.42 ms");
        assert_eq!(time(Duration::from_millis(4020)), "4.02 s");
    }
}
