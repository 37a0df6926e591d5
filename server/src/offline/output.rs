//! JSON lines out: lines as they were read, perhaps with members added, in large writes to standard output.
//!
//! Invariant: what is added to a line leaves the rest of it as it was, byte for byte.

use super::lines::Text;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::io::{self, BufWriter, Write};

/// Bytes gathered into one write.
const WRITE_TOGETHER: usize = 64 << 10;

/// Standard output, in large writes.
pub(super) struct Output(RefCell<BufWriter<Box<dyn Write>>>);

impl Output {
    /// To standard output.
    pub(super) fn standard() -> Self {
        let stdout = Box::new(io::stdout().lock());
        Self(RefCell::new(BufWriter::with_capacity(
            WRITE_TOGETHER,
            stdout,
        )))
    }

    /// Writes `line` as it is.
    pub(super) fn line(&self, line: &[u8]) -> io::Result<()> {
        let mut out = self.0.borrow_mut();
        out.write_all(line)?;
        out.write_all(b"\n")
    }

    /// Writes `line` with members added, in place of those of the same name; nothing else in it changes.
    pub(super) fn line_with(&self, line: &[u8], added: &[(&str, Value)]) -> io::Result<()> {
        let mut out = self.0.borrow_mut();
        let line = line.trim_ascii();
        if added.iter().any(|(name, _)| may_name(line, name)) {
            write_replaced(&mut *out, line, added)?;
        } else {
            out.write_all(line.strip_suffix(b"}").unwrap_or(line))?;
            for (name, value) in added {
                write!(out, ",\"{name}\":{value}")?;
            }
            out.write_all(b"}")?;
        }
        out.write_all(b"\n")
    }

    /// Writes a line.
    pub(super) fn text(&self, line: &str) -> io::Result<()> {
        writeln!(self.0.borrow_mut(), "{line}")
    }

    /// What was written is out.
    pub(super) fn flush(&self) -> io::Result<()> {
        self.0.borrow_mut().flush()
    }
}

/// Whether `"name"` stands anywhere in the line.
fn may_name(line: &[u8], name: &str) -> bool {
    let quoted = line.windows(name.len() + 2);
    let mut quoted = quoted.filter(|at| at.first() == Some(&b'"') && at.last() == Some(&b'"'));
    quoted.any(|at| &at[1..=name.len()] == name.as_bytes())
}

fn write_replaced(out: &mut impl Write, line: &[u8], added: &[(&str, Value)]) -> io::Result<()> {
    let text = String::from_utf8_lossy(line);
    let members: Members<'_> = serde_json::from_str(&text)?;
    let mut between = '{';
    for (name, value) in &members.0 {
        if added.iter().all(|(added, _)| added != name) {
            write!(
                out,
                "{between}{}:{}",
                Value::from(name.as_ref()),
                value.get()
            )?;
            between = ',';
        }
    }
    for (name, value) in added {
        write!(out, "{between}\"{name}\":{value}")?;
        between = ',';
    }
    out.write_all(b"}")
}

/// The members of an object, their values as they stand.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Deserialize<'a> for Members<'a> {
    fn deserialize<D: Deserializer<'a>>(from: D) -> Result<Self, D::Error> {
        struct All;
        impl<'a> Visitor<'a> for All {
            type Value = Members<'a>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((Text(name), value)) = map.next_entry()? {
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }
        from.deserialize_map(All)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(line: &str, added: &[(&str, Value)]) -> String {
        let mut out = Vec::new();
        let may = added
            .iter()
            .any(|(name, _)| may_name(line.as_bytes(), name));
        assert!(may, "nothing to replace in {line}");
        write_replaced(&mut out, line.as_bytes(), added).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn members_of_the_same_name_give_way_and_the_rest_stays_byte_for_byte() {
        let line = r#"{"why":"old", "n":1.50,"payload":{"why" : 1e3},"z":"\u00e4"}"#;
        let expected = r#"{"n":1.50,"payload":{"why" : 1e3},"z":"\u00e4","why":["error"]}"#;
        assert_eq!(
            with(line, &[("why", serde_json::json!(["error"]))]),
            expected
        );
        assert!(!may_name(br#"{"a":"why","xwhy":1}"#, "whys"));
    }
}
