//! Texts that are not JSON: the pairs in them go through the same judgement, prose is judged as prose.

use super::Severity;
use super::format::Format;
use super::json::{Scalar, Text};
use super::kinds;
use super::lines;
use super::pass::Pass;
use super::prose::prose;
use super::severity;
use super::words::*;
use crate::number;

/// Bytes of a bare word or two; longer is prose.
const BARE: usize = 24;

impl<'a> Pass<'_, 'a> {
    /// A text that is not JSON, or a bare word.
    pub(super) fn text(&mut self, format: Format, text: &'a str) {
        let trimmed = text.trim();
        match format {
            Format::KeyValue | Format::LineProtocol | Format::Ini | Format::Yaml => {
                self.pairs(trimmed);
            }
            Format::Xml => self.xml(trimmed),
            Format::Csv if self.topic.says.smart_rest => self.smart_rest(trimmed),
            Format::Timestamp | Format::Base64 | Format::Hex | Format::Csv => {}
            _ => {
                self.once = self.once.wrapping_add(self.path);
                if let (Format::Number, Some(number)) = (format, number::parse(trimmed)) {
                    let _ = self.numbers.push((self.path, number));
                }
                self.state(trimmed);
                self.bare(trimmed);
            }
        }
    }

    /// A text under the key that the topic is.
    pub(super) fn bare(&mut self, text: &'a str) {
        // Prometheus' exposition format describes what it counts.
        if text.starts_with("# HELP ") || text.starts_with("# TYPE ") {
            return;
        }
        let flags = self.topic.says.key;
        let mut severity = severity::string(flags, text);
        let part = flags & PART != 0 && severity::is_absent(text);
        if flags & (SETTING | PROBLEM | LEVEL) == 0 && !part {
            let words = Words::new(text).take(4).count();
            let other = match words {
                ..=1 if text.len() <= BARE => severity::state(text),
                2..=3 if text.len() <= BARE => severity::state(text).max(prose(text)),
                _ => lines::line(text),
            };
            severity = severity.max(other);
        }
        self.tell_text(text);
        self.found(false, severity, self.topic.subject(), text);
    }

    /// Cumulocity SmartREST 2.0, static templates: 301 to 304 raise alarms, 502 and 505 fail operations.
    fn smart_rest(&mut self, text: &'a str) {
        let (template, rest) = text.split_once(',').unwrap_or((text, ""));
        let severity = match template {
            "301" | "302" | "502" | "505" => Severity::Error,
            "303" | "304" => Severity::Warning,
            _ => Severity::None,
        };
        self.tell_text(rest);
        self.found(true, severity, template, rest);
    }

    fn pairs(&mut self, text: &'a str) {
        pairs_of(text, |key, value| {
            let number = value
                .strip_suffix(['i', 'u'])
                .filter(|n| n.parse::<i64>().is_ok());
            self.loose(key, number.unwrap_or(value));
        });
    }

    /// `<key>value</key>` and `key="value"`; a walk that asks for no more than that.
    fn xml(&mut self, text: &'a str) {
        let mut open = "";
        for part in text.split('<').skip(1).take(256) {
            let (tag, content) = part.split_once('>').unwrap_or((part, ""));
            if tag.starts_with(['/', '?', '!']) {
                continue;
            }
            open = tag.split([' ', '/', '\n']).next().unwrap_or(open);
            if let Some((_, attributes)) = tag.split_once(' ')
                && attributes.contains('=')
            {
                self.pairs(attributes);
            }
            if !content.trim().is_empty() {
                self.loose(open, content.trim());
            }
        }
    }

    /// A pair of a format in which everything is a string.
    fn loose(&mut self, key: &'a str, value: &'a str) {
        self.set_key(self.topic.says.class, key);
        self.once = self.once.wrapping_add(self.path);
        match number::parse(value) {
            Some(number) => {
                let _ = self.numbers.push((self.path, number));
            }
            _ => self.state(value),
        }
        self.judge(Scalar::String(Text {
            raw: value,
            escaped: false,
        }));
    }
}

/// `key=value` in all its punctuations, or `key: value` where there is no such, the first 128.
pub(crate) fn pairs_of<'a>(text: &'a str, mut each: impl FnMut(&'a str, &'a str)) {
    if !text.contains('=') {
        let parts = text.split(kinds::separator(text)).take(128);
        let pairs = parts.filter_map(|part| part.split_once(':'));
        for (key, value) in pairs.filter(|(_, value)| !value.trim().is_empty()) {
            each(key.trim().trim_start_matches("- "), value.trim());
        }
        return;
    }
    let mut rest = text;
    for _ in 0..128 {
        let Some((before, behind)) = rest.split_once('=') else {
            break;
        };
        // `key = value` has room around its mark.
        let spaced = before.ends_with(' ');
        let (before, behind) = match spaced {
            true => (before.trim_end(), behind.trim_start_matches(' ')),
            false => (before, behind),
        };
        let key = before
            .rsplit([' ', ',', '&', ';', '\t', '\n'])
            .next()
            .unwrap_or(before);
        let (value, behind) = match behind.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => behind.split_at(
                behind
                    .find([' ', ',', '&', ';', '\t', '\n'])
                    .unwrap_or(behind.len()),
            ),
        };
        rest = behind;
        each(key, value);
    }
}

/// Whether what is refused at `at`, behind a whole document, is the second of several.
pub(super) fn json_lines(text: &str, at: usize) -> bool {
    let before = text
        .get(..at)
        .unwrap_or("")
        .trim_end_matches([' ', '\t', '\r']);
    before.ends_with(['\n', '}', ']'])
        && text
            .get(at..)
            .is_some_and(|rest| rest.starts_with(['{', '[']))
}
