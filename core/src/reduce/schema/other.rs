//! Texts that are not JSON, as the events of one: elements of XML as members, pairs of key and value as members, other
//! text as one string. Invariant: what is no such text is refused as a whole, and its events are not counted.

use super::tape::DEPTH;
use crate::number;
use crate::payload::json::{Scalar, Text, Visitor};
use crate::payload::pairs_of;

fn plain(raw: &str) -> Text<'_> {
    Text {
        raw,
        escaped: false,
    }
}

/// A text of a format in which everything is one: a number if it can be.
fn value<'a>(text: &'a str, visitor: &mut impl Visitor<'a>) {
    let digits = text
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'.'));
    match number::parse(text) {
        Some(number) if digits => visitor.number(text, Some(number)),
        _ => visitor.scalar(Scalar::String(plain(text))),
    }
}

/// One string.
pub(super) fn text<'a>(text: &'a str, visitor: &mut impl Visitor<'a>) -> bool {
    visitor.scalar(Scalar::String(plain(text.trim())));
    true
}

/// `key=value` in all its punctuations.
pub(super) fn pairs<'a>(text: &'a str, visitor: &mut impl Visitor<'a>) -> bool {
    visitor.open(true);
    pairs_of(text.trim(), |key, it| {
        visitor.key(plain(key));
        value(it, visitor);
    });
    visitor.close();
    true
}

/// Elements as objects: attributes under `@`, text under `#`, the elements inside under their names.
pub(super) fn xml<'a>(text: &'a str, visitor: &mut impl Visitor<'a>) -> bool {
    let mut depth = 0usize;
    let mut rest = text;
    visitor.open(true);
    while let Some((before, behind)) = rest.split_once('<') {
        if depth > 0 && !before.trim().is_empty() {
            visitor.key(plain("#"));
            value(before.trim(), visitor);
        }
        let skipped = [("!--", "-->"), ("![CDATA[", "]]>"), ("?", "?>"), ("!", ">")];
        if let Some((open, close)) = skipped
            .into_iter()
            .find(|(open, _)| behind.starts_with(open))
        {
            let Some((content, after)) = behind.split_once(close) else {
                return false;
            };
            if let Some(content) = content
                .strip_prefix("![CDATA[")
                .filter(|_| open == "![CDATA[" && depth > 0)
            {
                visitor.key(plain("#"));
                value(content, visitor);
            }
            rest = after;
            continue;
        }
        let Some((tag, after)) = behind.split_once('>') else {
            return false;
        };
        rest = after;
        if tag.starts_with('/') {
            if depth == 0 {
                return false;
            }
            depth -= 1;
            visitor.close();
            continue;
        }
        let (tag, alone) = tag
            .strip_suffix('/')
            .map_or((tag, false), |tag| (tag, true));
        let name = tag.split_ascii_whitespace().next().unwrap_or("");
        if name.is_empty() || depth >= DEPTH {
            return false;
        }
        visitor.key(plain(name));
        visitor.open(true);
        let attributes = tag.get(name.len()..).unwrap_or("").trim();
        if attributes.contains('=') {
            visitor.key(plain("@"));
            visitor.open(true);
            pairs_of(attributes, |key, it| {
                visitor.key(plain(key));
                value(it, visitor);
            });
            visitor.close();
        }
        if alone {
            visitor.close();
        } else {
            depth += 1;
        }
    }
    visitor.close();
    depth == 0
}
