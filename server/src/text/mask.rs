//! Credentials in text that leaves: what looks like a connection string with user name or password loses them.
//!
//! A client may put a connection string anywhere: as the name of a tool, a URI, a topic. So errors, log lines and words that
//! are repeated pass through here before they leave, and before they are cut, since a cut may take away the `@` by which
//! credentials are known. Pure, in time linear in the length of the text.

use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// Stands for credentials.
const MASK: &str = "***";

/// Schemes of connection strings; `mqtt+ssl://` ends as `ssl://` does.
const SCHEMES: [&str; 7] = [
    "mqtt://", "mqtts://", "ws://", "wss://", "tcp://", "ssl://", "tls://",
];

/// Schemes of URLs whose query may hold a secret.
const WEBSOCKET: [&str; 2] = ["ws://", "wss://"];

/// Stands for a query; holds a `=`, so that a masked URL is not masked anew with other words.
const MASKED_QUERY: &str = "***=***";

/// Digits of a port.
const PORT: usize = 5;

/// `text` without credentials: `mqtt://me:word@host` becomes `mqtt://***@host`, whatever the scheme is and however many
/// slashes stand there; `me:word@host` becomes `***@host`. A connection string that ends before its `@` loses all behind the
/// slashes. Percent-encoded ones are recognised, too, and told decoded. The query of a WebSocket URL is masked whole: brokers
/// in the cloud take tokens and signatures there.
pub fn mask(text: &str) -> Cow<'_, str> {
    if !text.contains([':', '%']) {
        return Cow::Borrowed(text);
    }
    match without_queries(text) {
        Some(rest) => Cow::Owned(without_credentials(&rest).into_owned()),
        None => without_credentials(text),
    }
}

/// `text` with the queries of WebSocket URLs masked, if there are any.
fn without_queries(text: &str) -> Option<String> {
    let (mut masked, mut rest) = (String::new(), text);
    while let Some(at) = WEBSOCKET
        .iter()
        .filter_map(|scheme| find(rest, scheme))
        .min()
    {
        let url = rest.get(at..)?;
        let length = url.find(char::is_whitespace).unwrap_or(url.len());
        let url = url.get(..length)?;
        let end = url
            .trim_end_matches(['"', '\'', '`', ')', '.', ',', ';'])
            .len();
        match url.get(..end)?.split_once('?') {
            Some((before, query)) if query.contains('=') && query != MASKED_QUERY => {
                masked += rest.get(..at)?;
                masked += before;
                masked += "?";
                masked += MASKED_QUERY;
            }
            _ => masked += rest.get(..at + end)?,
        }
        rest = rest.get(at + end..)?;
    }
    masked += rest;
    (masked != text).then_some(masked)
}

/// Where `scheme` stands in `text`, in capitals or not.
fn find(text: &str, scheme: &str) -> Option<usize> {
    let same = |window: &[u8]| window.eq_ignore_ascii_case(scheme.as_bytes());
    text.as_bytes().windows(scheme.len()).position(same)
}

fn without_credentials(text: &str) -> Cow<'_, str> {
    let masked = plain(text);
    // An encoded `@` that is left may belong to a connection string that is encoded as a whole.
    if masked.contains("%40") {
        let decoded = percent_decode_str(&masked).decode_utf8_lossy();
        if let Cow::Owned(masked) = plain(&decoded) {
            return Cow::Owned(masked);
        }
    }
    masked
}

/// The same only where one of our schemes stands, for words that may well hold `:` and `@`: topics, ids.
pub fn mask_connection_strings(text: &str) -> Cow<'_, str> {
    let lower = || text.to_ascii_lowercase();
    let names_scheme = |lower: String| SCHEMES.iter().any(|scheme| lower.contains(scheme));
    match text.contains("://") && names_scheme(lower()) {
        true => mask(text),
        false => Cow::Borrowed(text),
    }
}

/// Whether this is, or holds, one of our connection strings with credentials.
pub fn holds_credentials(text: &str) -> bool {
    matches!(mask_connection_strings(text), Cow::Owned(_))
}

/// The same, for text that is not encoded. Owned if something was masked.
fn plain(text: &str) -> Cow<'_, str> {
    let mut masked = String::new();
    // Up to here `text` is in `masked`.
    let mut done = 0;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let run = rest.get(..length).unwrap_or_default();
        if let Some((start, mut end)) = credentials(run) {
            // A password with a space in it goes on behind the run.
            if end == run.len() {
                end = before_next_at(rest, length).unwrap_or(end);
            }
            masked.push_str(text.get(done..at + start).unwrap_or_default());
            masked.push_str(MASK);
            (done, at) = (at + end, at + end);
        } else {
            let white = rest.get(length..).and_then(|rest| rest.chars().next());
            at += length + white.map_or(0, char::len_utf8);
        }
    }
    if masked.is_empty() {
        return Cow::Borrowed(text);
    }
    masked.push_str(text.get(done..).unwrap_or_default());
    Cow::Owned(masked)
}

/// Where in a run without white space credentials stand.
fn credentials(run: &str) -> Option<(usize, usize)> {
    let last_at = run.rfind('@');
    let Some(colon) = run.find(":/") else {
        // `user:password@host`
        let (end, colon) = (last_at?, run.find(':')?);
        let start = run.find(char::is_alphanumeric)?;
        return (start < colon && colon + 1 < end).then_some((start, end));
    };
    let start = behind_slashes(run, colon)?;
    if let Some(end) = last_at.filter(|end| start < *end) {
        let before = run.get(start..end)?;
        // An `@` in a path is none of credentials, unless a `:` tells that it may be no path.
        return (before.contains(':') || !before.contains('/')).then_some((start, end));
    }
    let colons = run.match_indices(":/").map(|(colon, _)| colon);
    let mut starts = colons.filter_map(|colon| behind_slashes(run, colon));
    let cut_off = starts.find(|start| is_no_host(run.get(*start..).unwrap_or_default()));
    cut_off.map(|start| (start, run.len()))
}

/// Where the slashes behind this colon end.
fn behind_slashes(run: &str, colon: usize) -> Option<usize> {
    let behind = run.get(colon + 1..)?;
    Some(run.len() - behind.trim_start_matches('/').len())
}

/// Whether what stands behind the slashes is `user:password`, its `@` cut off, and not `host` or `host:port`.
fn is_no_host(text: &str) -> bool {
    let authority = text.split(['/', '?', '#']).next().unwrap_or_default();
    let authority = authority.trim_end_matches(|c: char| !c.is_alphanumeric());
    let Some((_, port)) = authority.rsplit_once(':') else {
        return false;
    };
    let is_port = port.len() <= PORT && port.bytes().all(|byte| byte.is_ascii_digit());
    !is_port && port != "port" && !authority.contains('[')
}

/// The first `@` behind `from`, on the same line and before anything that begins as a connection string does.
fn before_next_at(text: &str, from: usize) -> Option<usize> {
    let near = text.get(from..)?.split(":/").next()?;
    let near = near.split('\n').next()?;
    near.find('@').map(|at| from + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_masked_wherever_they_stand() {
        for (text, masked) in [
            ("mqtt://me:word@host:1883/x", "mqtt://***@host:1883/x"),
            ("no mqxx://me:word@@host here", "no mqxx://***@host here"),
            ("`mqtts:/me:word@host`", "`mqtts:/***@host`"),
            ("mqtt://token@host", "mqtt://***@host"),
            ("me:word@host", "***@host"),
            ("(\"me:word@host\")", "(\"***@host\")"),
            ("mqtt://me:wo/rd@host/path", "mqtt://***@host/path"),
            ("mqtt://a:b@c,wss://d:e@f", "mqtt://***@f"),
            ("mqtt://x/y;mqtt://a:b@c", "mqtt://***@c"),
            ("mqtt://me:a word@host", "mqtt://***@host"),
            ("mqtt://me:word", "mqtt://***"),
            ("mqtt://me:123456", "mqtt://***"),
            ("mqtt://a/mqtt://me:word", "mqtt://a/mqtt://***"),
            ("nope mqtt://me:wo rd", "nope mqtt://*** rd"),
            ("mqtt%3A%2F%2Fme%3aword%40host", "mqtt://***@host"),
            ("mqtt://me:w%40rd@host", "mqtt://***@host"),
            ("a\tmqtt://ü:ö@ä\nb", "a\tmqtt://***@ä\nb"),
            ("`WSS://host/mqtt?token=a,b`.", "`WSS://host/mqtt?***=***`."),
            (
                "wss://me:word@host/x?sign=1 ws://b?c=d",
                "wss://***@host/x?***=*** ws://b?***=***",
            ),
        ] {
            assert_eq!(mask(text), masked, "{text}");
        }
    }

    #[test]
    fn what_holds_none_stays_as_it_is() {
        for text in [
            "",
            "give mqtt://host[:port], mqtts://, ws:// or wss://, or a name",
            "Check the path (ws://host:port/path; often /mqtt, /ws or /).",
            "mqtt://192.168.1.7:1883: lost: the broker closed; connecting again",
            "as in mqtt://[::1]:1883.",
            "mqtt://0c0a1b2c-3d4e-4f5a-8b6c-7d8e9f0a1b2c/topic/users@home",
            "mail me@host, at 12:30",
            "$share/group/a:b/#, 50% of 40@",
            "a%40b",
            "at server/src/log.rs:17:5: no",
            "ws://host/path? and why=not",
        ] {
            assert!(
                matches!(mask(text), Cow::Borrowed(same) if same == text),
                "{text}"
            );
            assert!(!holds_credentials(text), "{text}");
        }
    }

    #[test]
    fn only_our_connection_strings_count_as_such() {
        assert!(holds_credentials("a WSS://me:word@host"));
        assert!(holds_credentials("mqtt+ssl://me:word@host"));
        assert!(!holds_credentials("call:7@client"));
        assert!(!holds_credentials("https://client:80/call@7"));
    }

    #[test]
    fn any_text_is_masked_once() {
        for text in [
            "mqtt://",
            "@",
            ":@",
            "a:@b",
            ":/@",
            "a:/:@@:/",
            "%40",
            "://\u{2003}:@é",
        ] {
            let once = mask(text).into_owned();
            assert_eq!(mask(&once), once, "{text}");
        }
    }
}
