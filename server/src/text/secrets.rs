//! Secrets in what messages hold: passwords, keys and tokens, known by the names they stand under or by their form.
//!
//! Every text of an answer passes through here before it leaves, the texts of messages among them. Only strings are
//! masked: `tokens_used: 812` and `passwordless: true` are no secrets. What is known by neither name nor form stays.
//! Elsewhere: user and password in our own connection strings (`mask`). Pure, in time linear in the length of the text.

use serde_json::{Map, Value};
use std::borrow::Cow;

/// Stands for a secret.
const MASK: &str = "***";

/// Bytes of a name that are looked at: `AWS_SECRET_ACCESS_KEY` has 21.
const NAME: usize = 48;

/// Names that are one secret, whatever stands before them.
const SECRETS: [&str; 22] = [
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "passcode",
    "passwort",
    "kennwort",
    "wachtwoord",
    "haslo",
    "hasło",
    "contraseña",
    "contrasena",
    "senha",
    "mdp",
    "psk",
    "secret",
    "apikey",
    "token",
    "authorization",
    "bearer",
    "jwt",
    "userpass",
];

/// Words before `key` with which it is a secret; alone it may be a button.
const OF_A_KEY: [&str; 14] = [
    "api",
    "access",
    "secret",
    "private",
    "shared",
    "auth",
    "encryption",
    "network",
    "wpa",
    "wifi",
    "wlan",
    "signing",
    "security",
    "app",
];

/// Members of a schema that hold values.
const VALUES: [&str; 6] = ["const", "enum", "examples", "default", "value", "values"];

/// Members beside `topic` that show a message on it.
const SHOWN: [&str; 5] = ["payload", "preview", "sample", "last", "value"];

/// Schemes of the header `Authorization`.
const HEADERS: [&str; 2] = ["bearer", "basic"];

/// Shortest token behind such a scheme: `Basic YTpi` has 4.
const TOKEN: usize = 8;

/// Whether a text under this name is a secret.
fn names_secret(name: &str) -> bool {
    if name.len() > NAME {
        return false;
    }
    let mut words = [""; 2];
    let mut previous = ' ';
    let mut start = 0;
    // Words end at punctuation, and where small letters turn into capitals: `apiKey`.
    for (at, c) in name.char_indices() {
        let seam = !c.is_alphanumeric() || c.is_uppercase() && previous.is_lowercase();
        if seam {
            push(&mut words, name.get(start..at).unwrap_or(""));
            start = at + if c.is_alphanumeric() { 0 } else { c.len_utf8() };
        }
        previous = c;
    }
    push(&mut words, name.get(start..).unwrap_or(""));
    let [before, last] = words.map(str::to_lowercase);
    SECRETS.contains(&last.as_str())
        || last == "key" && OF_A_KEY.contains(&before.as_str())
        || last == "pass" && before != "by"
}

fn push<'a>(words: &mut [&'a str; 2], word: &'a str) {
    if !word.is_empty() {
        let [_, last] = *words;
        *words = [last, word];
    }
}

/// Whether a text may be a secret: not a word that says how the matter stands.
fn is_told(text: &str) -> bool {
    const OTHERS: [&str; 14] = [
        "", "***", "true", "false", "yes", "no", "ok", "none", "null", "pass", "fail", "failed",
        "set", "string",
    ];
    !OTHERS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Masks the members of an object that are secrets, and their values where a schema describes them.
/// Of a message, the topic may be the name.
pub fn mask_members(map: &mut Map<String, Value>) {
    let topic = map.get("topic").and_then(Value::as_str);
    let level = topic.and_then(|topic| topic.rsplit('/').next());
    if level.is_some_and(names_secret) {
        for shown in SHOWN {
            if let Some(value) = map.get_mut(shown) {
                mask_value(value);
            }
        }
    }
    for (name, value) in map.iter_mut() {
        if matches!(value, Value::String(_) | Value::Object(_) | Value::Array(_))
            && names_secret(name)
        {
            mask_value(value);
        }
    }
}

fn mask_value(value: &mut Value) {
    match value {
        Value::String(text) if is_told(text) => MASK.clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(mask_value),
        Value::Object(schema) => {
            let described = schema.remove("pattern").is_some();
            let members = schema.iter_mut();
            members
                .filter(|(name, _)| described || VALUES.contains(&name.as_str()))
                .filter(|(name, _)| *name != "type")
                .for_each(|(_, value)| mask_value(value));
        }
        _ => {}
    }
}

/// `text` without the secrets in it: `password=…`, `"psk": "…"`, `<secret>…</secret>`, `Bearer …`, a JSON Web Token, a
/// private key in PEM, the user and password of a URL of any scheme.
pub fn mask_secrets(text: &str) -> Cow<'_, str> {
    let mut masked = String::new();
    // Up to here `text` is in `masked`.
    let mut done = 0;
    let mut ends = Ends::default();
    for (at, byte) in text.bytes().enumerate() {
        if at < done {
            continue;
        }
        let found = match byte {
            b'=' | b':' | b'>' => named(text, at, &mut ends).or_else(|| user_info(text, at)),
            b' ' => behind_scheme(text, at),
            b'e' => web_token(text, at),
            b'-' => private_key(text, at),
            _ => None,
        };
        if let Some((start, end)) = found
            && done <= start
            && start < end
        {
            masked.push_str(text.get(done..start).unwrap_or_default());
            masked.push_str(MASK);
            done = end;
        }
    }
    if masked.is_empty() {
        return Cow::Borrowed(text);
    }
    masked.push_str(text.get(done..).unwrap_or_default());
    Cow::Owned(masked)
}

/// Where values of each form end, so that names in a row without an end are not each searched to the end of the text.
#[derive(Default)]
struct Ends {
    bare: End,
    element: End,
}

/// The first place behind `from` where something ends.
#[derive(Default)]
struct End {
    from: usize,
    to: usize,
}

impl End {
    /// The first place in `text` from `from` on that `ends`; the end of the text if there is none.
    fn find(&mut self, text: &str, from: usize, ends: impl FnMut(char) -> bool) -> usize {
        if !(self.from..self.to).contains(&from) {
            let length = text.get(from..).and_then(|rest| rest.find(ends));
            (self.from, self.to) = (from, length.map_or(text.len(), |length| from + length));
        }
        self.to
    }
}

/// The value behind the sign at `at`, if the name before it is that of a secret.
fn named(text: &str, at: usize, known: &mut Ends) -> Option<(usize, usize)> {
    let sign = *text.as_bytes().get(at)?;
    let quotes = ['"', '\'', '\\', ' '];
    let before = text.get(..at)?.trim_end_matches(quotes);
    let long = text.floor_char_boundary(before.len().saturating_sub(NAME));
    let near = before.get(long..)?;
    let inner = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let name = near.get(near.trim_end_matches(inner).len()..)?;
    if name.is_empty() || !names_secret(name) {
        return None;
    }
    let head = before.get(..before.len() - name.len())?;
    let quoted = text.get(..at)?.trim_end_matches(' ').ends_with(['"', '\'']);
    let starts = match sign {
        // Prose has colons, too: the name must begin a line or a pair.
        b':' => quoted || head.is_empty() || head.ends_with(['\n', '{', ',', ';', '.', ' ']),
        b'>' => head.ends_with(['<', ':']),
        _ => true,
    };
    let behind = text
        .get(at + 1..)
        .filter(|behind| !behind.starts_with("//"))?;
    let value = behind.trim_start_matches([' ', '\\']);
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    let value = value.get(usize::from(quote.is_some())..)?;
    let start = text.len() - value.len();
    let escaped = behind.trim_start().starts_with('\\');
    let length = match (sign, quote) {
        (b'>', _) => {
            let end = known.element.find(text, start, |c| c == '<');
            (end < text.len()).then_some(end - start)?
        }
        (_, Some(_)) if escaped => value.find('\\').unwrap_or(value.len()),
        (_, Some(quote)) => end_of_quote(value, quote),
        _ => {
            let ends =
                |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '&' | '}' | ')' | '"' | '<');
            // `Authorization: Bearer …`
            let scheme = HEADERS.iter().map(|scheme| scheme.len());
            let scheme = scheme
                .filter(|length| value.get(*length..).is_some_and(|it| it.starts_with(' ')))
                .find(|space| is_scheme(value.get(..*space)));
            let from = scheme.map_or(0, |space| space + 1);
            let length = known.bare.find(text, start + from, ends) - start;
            let rest = value.get(length..)?;
            if sign == b':' && rest.starts_with(' ') {
                // A sentence about it.
                return None;
            }
            length
        }
    };
    let secret = value.get(..length)?;
    let whole = !secret.starts_with(['{', '[']) && secret.parse::<f64>().is_err();
    (starts && whole && is_told(secret)).then_some((start, start + length))
}

/// Where a quoted text ends: at the next quote that no backslash stands before, if the first has none either.
fn end_of_quote(text: &str, quote: char) -> usize {
    let mut escaped = false;
    let end = text.find(|c| {
        let ends = c == quote && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    end.or_else(|| text.find(quote)).unwrap_or(text.len())
}

fn is_scheme(word: Option<&str>) -> bool {
    word.is_some_and(|word| {
        HEADERS
            .iter()
            .any(|scheme| word.eq_ignore_ascii_case(scheme))
    })
}

/// The token behind `Bearer ` or `Basic `.
fn behind_scheme(text: &str, at: usize) -> Option<(usize, usize)> {
    let before = text.get(..at)?;
    let word = before.rsplit([' ', '"', ':', '=', '\n']).next();
    let token = text.get(at + 1..)?;
    let inner = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
    let length = token.len() - token.trim_start_matches(inner).len();
    let mixed = token.get(..length)?;
    let mixed = mixed
        .bytes()
        .any(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    (length >= TOKEN && mixed && is_scheme(word)).then_some((at + 1, at + 1 + length))
}

/// RFC 7519: three parts in base64url; the first begins as `{"` does.
fn web_token(text: &str, at: usize) -> Option<(usize, usize)> {
    let token = text.get(at..)?;
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !token.starts_with("eyJ") || text.get(..at)?.ends_with(inner) {
        return None;
    }
    let length = token.len() - token.trim_start_matches(inner).len();
    let parts = token.get(..length)?.split('.');
    (parts.clone().count() == 3 && parts.take(2).all(|part| part.len() >= TOKEN))
        .then_some((at, at + length))
}

/// What stands in a private key of PEM, also where its end was cut off.
fn private_key(text: &str, at: usize) -> Option<(usize, usize)> {
    let rest = text.get(at..)?.strip_prefix("-----BEGIN ")?;
    let (kind, behind) = rest.split_once("-----")?;
    if kind.len() > NAME || !kind.ends_with("PRIVATE KEY") {
        return None;
    }
    let start = text.len() - behind.len();
    let length = behind.find("-----END").unwrap_or(behind.len());
    Some((start, start + length))
}

/// `user:password` between `://` and the `@` of the same authority.
fn user_info(text: &str, at: usize) -> Option<(usize, usize)> {
    let behind = text.get(at..)?.strip_prefix("://")?;
    let before = text
        .get(..at)?
        .ends_with(|c: char| c.is_ascii_alphanumeric());
    let ends = |c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '<' | '\\');
    let authority = behind.get(..behind.find(ends).unwrap_or(behind.len()))?;
    let user = authority.get(..authority.rfind('@')?)?;
    let start = at + 3;
    (before && user.contains(':')).then_some((start, start + user.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_in_a_row_are_searched_once() {
        let text = "password:".repeat(1_000);
        let (mut looked, mut end) = (0, End::default());
        for from in (9..=text.len()).step_by(9) {
            let to = end.find(&text, from, |_| {
                looked += 1;
                false
            });
            assert_eq!(to, text.len());
        }
        assert!(looked <= text.len(), "{looked}");
        let prose = format!("{text}x y");
        assert_eq!(mask_secrets(&prose), prose);
        let open = ":password>".repeat(1_000);
        assert_eq!(mask_secrets(&open), open);
    }

    #[test]
    fn secrets_in_texts_are_masked() {
        for (text, masked) in [
            (
                r#"{"wifi":{"psk":"abc d\"e","ch":6}}"#,
                r#"{"wifi":{"psk":"***","ch":6}}"#,
            ),
            (
                r#"{"a":"{\"apiKey\": \"zz9\"}"}"#,
                r#"{"a":"{\"apiKey\": \"***\"}"}"#,
            ),
            (r#"{"password":"cut of"#, r#"{"password":"***"#),
            ("user=x password=y1 host=h", "user=x password=*** host=h"),
            ("[net]\nssid=x\npsk=y1\n", "[net]\nssid=x\npsk=***\n"),
            ("net:\n  passwd: y1\n  n: 2", "net:\n  passwd: ***\n  n: 2"),
            (
                "CLOUD_SECRET_ACCESS_KEY=a/b+c",
                "CLOUD_SECRET_ACCESS_KEY=***",
            ),
            (
                "<c><user>x</user><pwd>y1</pwd></c>",
                "<c><user>x</user><pwd>***</pwd></c>",
            ),
            (
                "https://h/p?n=4&access_token=t1&u=2",
                "https://h/p?n=4&access_token=***&u=2",
            ),
            ("rtsp://me:w1@10.0.0.1:554/s", "rtsp://***@10.0.0.1:554/s"),
            ("Authorization: Bearer abcDEF123", "Authorization: ***"),
            ("sent Basic bWU6dzEyMzQ=", "sent Basic ***"),
            ("t eyJhbGciOiJ9.eyJzdWIiOjF9.c2ln!", "t ***!"),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----",
                "-----BEGIN RSA PRIVATE KEY-----***-----END RSA PRIVATE KEY-----",
            ),
        ] {
            assert_eq!(mask_secrets(text), masked, "{text}");
            assert_eq!(mask_secrets(masked), masked, "once: {text}");
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        for text in [
            r#"{"tokens_used":812,"key":"F1","passwordless":true,"pass":true,"keys":3,"password":""}"#,
            "self test: pass",
            "password: give the file that holds it",
            "token=812",
            "https://h/p?key=4#a:b",
            "http://host:80/x@y",
            "basic automation runs, bearer of news",
            "a:b@c, 12:30",
            "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----",
            "eye of the.storm.is",
        ] {
            assert_eq!(mask_secrets(text), text);
        }
    }

    #[test]
    fn members_and_their_schemas_are_masked() {
        let mut value = json!({
            "password": "y1", "apiKey": "z", "key": "F1", "pass": true, "tokens": 3,
            "psk": {"const": "y1", "type": "string"},
            "client_secret": {"type": "string", "pattern": "^y[0-9]$", "examples": ["y1"]},
        });
        mask_members(value.as_object_mut().unwrap());
        let masked = json!({
            "password": "***", "apiKey": "***", "key": "F1", "pass": true, "tokens": 3,
            "psk": {"const": "***", "type": "string"},
            "client_secret": {"type": "string", "examples": ["***"]},
        });
        assert_eq!(value, masked);
    }
}
