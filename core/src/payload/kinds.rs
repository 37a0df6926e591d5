//! Texts of lines that name what they tell: OBIS telegrams of meters, INI, YAML, `name: value`. Elsewhere: other texts
//! ([`super::format`]), their damages ([`super::whole`]). Invariant: each is said only where every line looked at is of
//! it; time is linear in the text.

use crate::number;

/// Lines of which a text's kind is told.
const LINES: usize = 64;
/// Bytes of the name of a value.
const NAME: usize = 40;

/// Meters' readings by their codes (IEC 62056-21 and -61): `1-0:1.8.0*255(002.5*kWh)`, alone or in a telegram.
pub(super) fn is_obis(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    // The head of a telegram names the meter.
    lines.by_ref().take(LINES).any(|line| {
        line.split_once('(')
            .is_some_and(|(code, rest)| is_code(code) && rest.contains(')'))
    })
}

fn is_code(code: &str) -> bool {
    let (medium, value) = code.split_once(':').unwrap_or(("0-0", code));
    let is_number =
        |it: &str| (1..=3).contains(&it.len()) && it.bytes().all(|b| b.is_ascii_digit());
    let value = value.split_once('*').map_or(value, |(value, _)| value);
    let channels = medium.split_once('-');
    let groups = value.split('.');
    let short = !code.contains(':') && groups.clone().count() < 3;
    !short
        && channels.is_some_and(|(a, b)| is_number(a) && is_number(b))
        && (2..=3).contains(&groups.clone().count())
        && groups.clone().all(is_number)
}

/// Sections and `name=value`: INI, TOML, what systemd and many configurations are written in.
pub(super) fn is_ini(text: &str) -> bool {
    let lines = text.lines().map(str::trim).take(LINES);
    let mut lines = lines.filter(|line| !line.is_empty() && !line.starts_with(['#', ';']));
    let section = |line: &str| {
        let name = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'));
        name.is_some_and(|name| is_name(name.trim_matches(['[', ']'])) && !number_like(name))
    };
    let mut pairs = 0;
    lines.next().is_some_and(section)
        && lines.all(|line| {
            let pair = line
                .split_once('=')
                .is_some_and(|(name, _)| is_name(name.trim()));
            pairs += u32::from(pair);
            pair || section(line)
        })
        && pairs > 0
}

/// `name: value` in lines, or between semicolons or commas; at least two.
pub(super) fn is_named(text: &str) -> bool {
    let separator = separator(text);
    let parts = text
        .split(separator)
        .map(str::trim)
        .filter(|it| !it.is_empty());
    let pair = |part: &str| {
        part.split_once(':').is_some_and(|(name, value)| {
            let prose = separator != '\n' && value.trim().contains(' ') && !number_like(value);
            // Addresses and names of names have colons between.
            let address = value.contains(':') && !value.starts_with(' ');
            is_name(name)
                && !value.trim().is_empty()
                && !value.starts_with("//")
                && !prose
                && !address
        })
    };
    let mut parts = parts.take(LINES);
    parts.next().is_some_and(pair) && parts.next().is_some_and(pair) && parts.all(pair)
}

/// What stands between the pairs of a text that [`is_named`].
pub(super) fn separator(text: &str) -> char {
    let there = |mark: &char| text.contains(*mark);
    ['\n', ';', ','].into_iter().find(there).unwrap_or('\n')
}

/// YAML where it is certain: a document's mark, or lines that stand under a name.
pub(super) fn is_yaml(text: &str) -> bool {
    let (marked, text) = match text.strip_prefix("---") {
        Some(rest) => (true, rest.strip_suffix("...").unwrap_or(rest)),
        None => (false, text),
    };
    if marked && !text.starts_with(['\n', '\r']) {
        return false;
    }
    let (mut nested, mut count, mut head) = (marked, 0, None);
    for line in text.lines().take(LINES) {
        let bare = line.trim_start();
        if bare.trim().is_empty() || bare.starts_with('#') {
            continue;
        }
        let indent = line.len() - bare.len();
        let item = bare.strip_prefix("- ");
        nested |= head.is_some_and(|around| indent > around || item.is_some() && indent >= around);
        let pair = item.unwrap_or(bare).trim_end();
        head = pair
            .strip_suffix(':')
            .filter(|name| is_name(name))
            .map(|_| indent);
        let is_pair = pair
            .split_once(": ")
            .is_some_and(|(name, _)| is_name(name.trim_matches('"')));
        if !(is_pair || head.is_some() || item.is_some()) {
            return false;
        }
        count += 1;
    }
    nested && count > 0
}

/// A name of a few words.
fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.' | '/');
    name.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && name.len() <= NAME
        && name.chars().all(plain)
        && name.split(' ').count() <= 3
}

/// Begins with a number.
fn number_like(text: &str) -> bool {
    let word = text.split_ascii_whitespace().next().unwrap_or("");
    number::parse(word).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_name_what_they_tell_are_told_apart() {
        assert!(
            is_obis("1-0:2.8.0*255(00017.2*kWh)") && is_obis("/ABC5Z\r\n\r\n1.7.0(00.31*kW)\r\n!")
        );
        assert!(!is_obis("f(x) = 2") && !is_obis("192.168.1.7(home)"));
        assert!(is_ini(
            "; made by hand\n[radio]\nssid = attic\n\n[clock]\nzone=UTC"
        ));
        assert!(!is_ini("[E] wifi lost\nrssi=-90") && !is_ini("[1]\na=1") && !is_ini("[a]"));
        assert!(
            is_named("flow: 12.5\nstate: idle") && is_named("F:3.5;G:7") && is_named("F:3 bar,G:7")
        );
        assert!(!is_named("see: http://a.b") && !is_named("Note: it rains, so: stay in"));
        assert!(
            !is_named("12:30;13:45") && !is_named("a4:c1:38,a4:c1:39") && !is_obis("3.5(about)")
        );
        assert!(
            is_yaml("tank:\n  level: 3\n  pumps:\n    - one\n") && is_yaml("---\nmode: night\n")
        );
        assert!(!is_yaml("flow: 12.5\nstate: idle") && !is_yaml("--- end ---"));
    }
}
