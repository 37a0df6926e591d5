//! Lines of logs, which state their level. Elsewhere: prose (`prose`), keys with their values (`severity`).

use super::prose::prose;
use super::severity::{JUDGED, Severity, front};
use super::tongues::HEED;
use super::words::*;

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
        _ if flags & (MINOR | HEED) != 0 => Some(Severity::Warning),
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
    let mut words = Words::new(text).filter(|word| !word.number).take(6);
    let mut n = 0;
    while let Some(word) = words.next() {
        n += 1;
        let (start, end) = word.span;
        let Some(severity) = of_level(word.flags) else {
            continue;
        };
        let before = start.checked_sub(1).and_then(|at| bytes.get(at));
        // French leaves a space before the colon.
        let behind = match bytes.get(end..) {
            Some([b' ', b':', ..]) => Some(&b':'),
            _ => bytes.get(end),
        };
        let shouted = is_shouted(text, word);
        let framed = matches!(before, Some(b'[' | b'<' | b'(' | b'|'))
            && matches!(behind, Some(b']' | b'>' | b')' | b'|'));
        let heads = n == 1 && matches!(behind, Some(b':'));
        if shouted || framed || heads {
            // `WARNING CRITICAL:`
            let next = words.next().filter(|next| is_shouted(text, *next));
            let next = next.and_then(|next| of_level(next.flags));
            return Some(next.map_or(severity, |next| next.max(severity)));
        }
    }
    None
}

fn is_shouted(text: &str, word: Word) -> bool {
    let word = text.get(word.span.0..word.span.1);
    word.is_some_and(|word| word.chars().all(char::is_uppercase))
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
