//! Texts that carry measurements: InfluxDB's line protocol, the text format of Prometheus, sentences of NMEA 0183.
//! Elsewhere: other texts ([`super::format`]). Invariant: time is linear in the text.

use crate::number;

/// `measurement[,tag=value…] field=value[,…] [timestamp]`, with blanks, commas and equals signs escaped, and texts quoted.
pub(super) fn is_line_protocol(line: &str) -> bool {
    let Some((measurement, rest)) = cut(line.trim(), b' ', false) else {
        return false;
    };
    let (fields, stamp) = cut(rest.trim_start(), b' ', true).unwrap_or((rest.trim_start(), ""));
    let (stamp, name) = (stamp.trim(), cut(measurement, b',', false));
    let (name, tags) = name.map_or((measurement, ""), |(name, tags)| (name, tags));
    let is_stamp = stamp
        .strip_prefix('-')
        .unwrap_or(stamp)
        .bytes()
        .all(|b| b.is_ascii_digit());
    is_stamp
        && !name.is_empty()
        && cut(name, b'=', false).is_none()
        && (tags.is_empty() || pairs(tags, false, |value| !value.is_empty()))
        && pairs(fields, true, is_field)
}

/// A value of a field: a number, perhaps with the mark of an integer, a text, a yes or no.
fn is_field(value: &str) -> bool {
    let digits = value.strip_suffix(['i', 'u']).unwrap_or(value);
    let word = matches!(
        value,
        "t" | "T" | "true" | "True" | "TRUE" | "f" | "F" | "false" | "False" | "FALSE"
    );
    let quoted = value.len() > 1 && value.starts_with('"') && value.ends_with('"');
    word || quoted || number::parse(digits).is_some()
}

/// Whether `text` is pairs between commas whose values are as they should be.
fn pairs(text: &str, quotes: bool, is_value: impl Fn(&str) -> bool) -> bool {
    let mut rest = text;
    loop {
        let (pair, more) = cut(rest, b',', quotes).map_or((rest, None), |(a, b)| (a, Some(b)));
        match cut(pair, b'=', false) {
            Some((key, value)) if !key.is_empty() && is_value(value) => {}
            _ => return false,
        }
        match more {
            Some(more) => rest = more,
            None => return true,
        }
    }
}

/// What is before and behind the first `mark` that is not escaped, nor between quotes if these count.
fn cut(text: &str, mark: u8, quotes: bool) -> Option<(&str, &str)> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' if quotes => quoted = !quoted,
            _ if byte == mark && !quoted => return Some((text.get(..at)?, text.get(at + 1..)?)),
            _ => {}
        }
    }
    None
}

/// `$GPGGA,…*47`: a talker and its kind of sentence, then fields; whether the checksum over what is between is right, if
/// there is one. None: it is no sentence.
pub(super) fn sentence(line: &str) -> Option<bool> {
    let rest = line.strip_prefix(['$', '!'])?;
    let (content, checksum) = match rest.rsplit_once('*') {
        Some((content, sum)) => (content, Some(sum.trim_end())),
        None => (rest, None),
    };
    let sum = content.bytes().fold(0, |sum, byte| sum ^ byte);
    let told = match checksum {
        Some(text) if text.len() == 2 => Some(u8::from_str_radix(text, 16).ok()?),
        Some(_) => return None,
        None => None,
    };
    let address = content.split(',').next().unwrap_or("");
    let is_address = matches!(address.len(), 5..=8)
        && address
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    (is_address && content.contains(',')).then_some(told.is_none_or(|told| told == sum))
}

/// The text format of Prometheus and OpenMetrics: comments that tell help and types, and samples; without a comment or
/// labels a sample could be any name and number, unless several have names of several words.
pub(super) fn is_prometheus(text: &str) -> bool {
    let (mut sure, mut samples, mut words_joined) = (false, 0, true);
    for line in text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .take(32)
    {
        if let Some(comment) = line.strip_prefix('#') {
            let word = comment.trim_start().split(' ').next().unwrap_or("");
            sure |= matches!(word, "HELP" | "TYPE" | "UNIT");
            continue;
        }
        let name = line
            .bytes()
            .take_while(|&b| b.is_ascii_alphanumeric() || b == b'_' || b == b':');
        let (name, behind) = line.split_at(name.count());
        let labels = behind.strip_prefix('{').and_then(|it| it.rsplit_once('}'));
        let labelled = labels.is_some_and(|(it, _)| it.is_empty() || it.contains("=\""));
        let values = labels.map_or(behind, |(_, values)| values);
        let is_value = |word: &str| {
            number::parse(word).is_some() || matches!(word, "NaN" | "+Inf" | "-Inf" | "Inf")
        };
        let mut words = values
            .split_ascii_whitespace()
            .take_while(|word| *word != "#");
        let begins = line.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == ':');
        let begins = begins && !name.is_empty() && (labelled || behind.starts_with([' ', '\t']));
        if !begins || !words.next().is_some_and(is_value) || !words.all(is_value) {
            return false;
        }
        sure |= labelled;
        words_joined &= name.contains('_');
        samples += 1;
    }
    samples > 0 && sure || samples > 1 && words_joined
}
