//! Lines of logs, which state their level, and prose, in which a problem may be denied, over, or only spoken of.
//! Elsewhere: keys with their values (`severity`).

use super::severity::{JUDGED, PACKED_ZERO, Severity, front, is_none};
use super::words::{self, *};

/// A level; none if it is not one.
pub(super) fn level(text: &str) -> Option<Severity> {
    match text {
        "E" | "F" | "C" => return Some(Severity::Error),
        "W" => return Some(Severity::Warning),
        "I" | "D" | "V" | "T" | "N" => return Some(Severity::None),
        _ => {}
    }
    let flags = Words::new(text).next()?.flags;
    of_level(flags)
}

fn of_level(flags: Flags) -> Option<Severity> {
    match flags {
        _ if flags & SEVERE != 0 => Some(Severity::Error),
        _ if flags & MINOR != 0 => Some(Severity::Warning),
        _ if flags & QUIET != 0 => Some(Severity::None),
        _ => None,
    }
}

/// A line of a log, or prose.
pub(super) fn line(text: &str) -> Severity {
    let text = front(without_colour(text), JUDGED);
    if let Some(severity) = line_level(text) {
        return severity;
    }
    prose(text)
}

/// `text` without ANSI escape sequences in front.
pub(super) fn without_colour(text: &str) -> &str {
    let mut text = text.trim_start();
    while let Some(rest) = text.strip_prefix("\u{1b}[") {
        let Some((_, behind)) = rest.split_once('m') else {
            break;
        };
        text = behind.trim_start();
    }
    text
}

/// The level that a line of a log states of itself.
pub(super) fn line_level(text: &str) -> Option<Severity> {
    if let Some((priority, _)) = text.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
        // RFC 5424, 6.2.1: the severity is the priority modulo eight.
        if let Ok(priority @ 0..=191) = priority.parse::<u8>() {
            return Some(match priority % 8 {
                0..=3 => Severity::Error,
                4 => Severity::Warning,
                _ => Severity::None,
            });
        }
    }
    let bytes = text.as_bytes();
    let letter = match bytes {
        [b'[', letter, b']', ..] | [letter, b' ', b'(', ..] | [letter, b'/', ..] => Some(*letter),
        _ => None,
    };
    match letter {
        Some(b'E' | b'F') => return Some(Severity::Error),
        Some(b'W') => return Some(Severity::Warning),
        Some(b'I' | b'D' | b'V') => return Some(Severity::None),
        _ => {}
    }
    if let Some(code) = http_answer(text) {
        return Some(code);
    }
    let words = Words::new(text).filter(|word| !word.number);
    for (n, word) in words.take(6).enumerate() {
        let (start, end) = word.span;
        let Some(severity) = of_level(word.flags) else {
            continue;
        };
        let before = start.checked_sub(1).and_then(|at| bytes.get(at));
        let behind = bytes.get(end);
        let shouted = bytes
            .get(start..end)
            .is_some_and(|w| w.iter().all(u8::is_ascii_uppercase));
        let framed = matches!(before, Some(b'[' | b'<' | b'(' | b'|'))
            && matches!(behind, Some(b']' | b'>' | b')' | b'|'));
        let heads = n == 0 && matches!(behind, Some(b':'));
        if shouted || framed || heads {
            return Some(severity);
        }
    }
    None
}

/// The answer that a line of an access log tells: `"GET / HTTP/1.1" 502 12`.
fn http_answer(text: &str) -> Option<Severity> {
    let (_, behind) = text.split_once(" HTTP/")?;
    let (_, behind) = behind.split_once("\" ")?;
    let code: u16 = behind.split(' ').next()?.parse().ok()?;
    match code {
        500..600 => Some(Severity::Error),
        400..500 => Some(Severity::Warning),
        100..400 => Some(Severity::None),
        _ => None,
    }
}

/// Prose: a problem that is neither denied, nor over, nor only spoken of.
fn prose(text: &str) -> Severity {
    let mut words = Words::new(text).take(80).peekable();
    let mut not = false;
    let mut severity = Severity::None;
    while let Some(word) = words.next() {
        if word.flags & OVER != 0 && word.flags & GOOD == 0 {
            return Severity::None;
        }
        let next = words.peek();
        let only_spoken_of = next.is_some_and(is_none)
            || next.is_some_and(|n| n.flags & ABOUT != 0 && n.flags & WRONG == 0);
        let wrong = word.flags & WRONG != 0 && !not && !only_spoken_of;
        if wrong || not && word.flags & GOOD != 0 && word.flags & PRESENCE != 0 {
            severity = Severity::Error;
        } else if word.flags & MINOR != 0 && !not && !only_spoken_of {
            severity = severity.max(Severity::Warning);
        } else if refusal(word.packed, next.map_or(0, |n| n.packed)) {
            severity = Severity::Error;
        }
        // `no fatal error`: the denial reaches over problems in between.
        not = word.flags & NOT != 0
            || word.number && word.packed == PACKED_ZERO
            || not && word.flags & (WRONG | SEVERE) != 0;
    }
    severity
}

/// Two words that only together tell of a failure.
fn refusal(word: u128, next: u128) -> bool {
    use words::pack as p;
    const PAIRS: [(u128, u128); 22] = [
        (p(b"timed"), p(b"out")),
        (p(b"not"), p(b"found")),
        (p(b"not"), p(b"responding")),
        (p(b"not"), p(b"reachable")),
        (p(b"no"), p(b"response")),
        (p(b"no"), p(b"answer")),
        (p(b"no"), p(b"such")),
        (p(b"nicht"), p(b"gefunden")),
        (p(b"could"), p(b"not")),
        (p(b"out"), p(b"of")),
        (p(b"did"), p(b"not")),
        (p(b"does"), p(b"not")),
        (p(b"leak"), p(b"detected")),
        (p(b"smoke"), p(b"detected")),
        (p(b"fire"), p(b"detected")),
        (p(b"gas"), p(b"detected")),
        (p(b"intrusion"), p(b"alarm")),
        (p(b"not"), p(b"aus")),
        (p(b"antwortet"), p(b"nicht")),
        (p(b"no"), p(b"responde")),
        (p(b"non"), p(b"risponde")),
        (p(b"nie"), p(b"odpowiada")),
    ];
    PAIRS.contains(&(word, next))
}
