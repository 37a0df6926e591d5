//! The tree as JSON Schema 2020-12, compact. Elsewhere: what is claimed of values (`claim`), which kinds of objects
//! there are (`union`). Invariant: what the tree was built from is accepted, save the types that are outliers; limits have room for
//! what comes next; a schema that describes tells beside them what was received, and enumerates no more than that.

use super::node::*;
use super::row::*;
use super::store::View;
use super::union::Kinds;
use super::{claim, text};
use core::fmt::{self, Write};

/// Keys that are made like identifiers, see [`text::is_identifier`].
const IDENTIFIER: &str = r"^([0-9]+|0x[0-9a-fA-F]{4,}|(?=(.*[0-9]){2})[0-9a-fA-F]{8,}|[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|\\d{4}-\\d\\d-\\d\\d)$";

/// Where a node stands: in which rows of the object around it, and as which types.
#[derive(Clone, Copy)]
pub(super) struct Place {
    rows: RowSet,
    types: u8,
}

impl Place {
    pub(super) const ANY: Self = Self {
        rows: RowSet::MAX,
        types: u8::MAX,
    };

    fn allows(self, of: Type) -> bool {
        self.types >> of.code() & 1 == 1
    }

    const fn only(self, types: u8) -> Self {
        Self {
            types: self.types & types,
            ..self
        }
    }
}

pub(super) struct Writer<'v, 'w, W> {
    pub(super) view: View<'v>,
    pub(super) out: &'w mut W,
    /// To validate by rather than to describe.
    pub(super) room: bool,
}

/// Puts commas between.
struct Comma(bool);

impl Comma {
    fn write<W: Write>(&mut self, out: &mut W) -> fmt::Result {
        if core::mem::replace(&mut self.0, true) {
            out.write_char(',')
        } else {
            Ok(())
        }
    }
}

impl<W: Write> Writer<'_, '_, W> {
    /// A whole schema: braces and what is between them.
    pub(super) fn schema(&mut self, node: &Node, place: Place) -> fmt::Result {
        self.out.write_char('{')?;
        self.body(node, place)?;
        self.out.write_char('}')
    }

    /// What is between the braces.
    pub(super) fn body(&mut self, node: &Node, place: Place) -> fmt::Result {
        let mut types = 0u8;
        for of in Type::ALL {
            let there = node.typed(of) > 0 && !claim::is_outlier(node, of) && place.allows(of);
            types |= u8::from(there) << of.code();
        }
        let bit = |of: Type| 1u8 << of.code();
        let is_enum = types & bit(Type::String) != 0
            && claim::is_enumeration(self.view, node, place.rows)
            && !(self.room && claim::is_half(self.view, node, place.rows));
        // While new sets of members keep coming, kinds say too little: what all have in common is told instead.
        let kinds = (types & bit(Type::Object) != 0 && is_closed(self.view, node))
            .then(|| Kinds::of(self.view, node))
            .filter(|kinds| kinds.len() > 1);
        let mut rest = types;
        if is_enum {
            rest &= !bit(Type::String);
        }
        if kinds.is_some() {
            rest &= !bit(Type::Object);
        }
        if is_enum && kinds.is_none() && rest & !bit(Type::Null) == 0 {
            return self.enumeration(node, place, rest != 0);
        }
        let branches = u32::from(is_enum) + u32::from(kinds.is_some()) + u32::from(rest != 0);
        if branches <= 1 && kinds.is_none() {
            return self.plain(node, place.only(rest));
        }
        // Branches of other types never meet, kinds may.
        let of_one = |kinds: &Kinds| kinds.are_apart(self.view, node);
        let one = kinds.as_ref().is_none_or(of_one);
        let union = if one { "\"oneOf\":[" } else { "\"anyOf\":[" };
        self.out.write_str(union)?;
        let mut comma = Comma(false);
        if is_enum {
            comma.write(self.out)?;
            self.out.write_char('{')?;
            self.enumeration(node, place, false)?;
            self.out.write_char('}')?;
        }
        for rows in kinds.iter().flat_map(Kinds::iter) {
            comma.write(self.out)?;
            self.out.write_str("{\"type\":\"object\"")?;
            self.object(node, rows)?;
            self.out.write_char('}')?;
        }
        if rest != 0 {
            comma.write(self.out)?;
            self.out.write_char('{')?;
            self.plain(node, place.only(rest))?;
            self.out.write_char('}')?;
        }
        self.out.write_char(']')
    }

    /// Types, and what is known of each, side by side.
    fn plain(&mut self, node: &Node, place: Place) -> fmt::Result {
        let of = |of: Type| node.typed(of) > 0 && !claim::is_outlier(node, of) && place.allows(of);
        let types = Type::ALL.into_iter().filter(|&it| of(it));
        match types.clone().count() {
            0 => return Ok(()),
            1 => {
                self.out.write_str("\"type\":")?;
                for it in types.clone() {
                    self.name(node, it)?;
                }
            }
            _ => {
                self.out.write_str("\"type\":[")?;
                let mut comma = Comma(false);
                // What it may be instead comes last.
                for it in types.clone().skip_while(|it| *it == Type::Null) {
                    comma.write(self.out)?;
                    self.name(node, it)?;
                }
                if of(Type::Null) {
                    self.out.write_str(",\"null\"")?;
                }
                self.out.write_char(']')?;
            }
        }
        for it in types {
            match it {
                Type::Number => self.range(node)?,
                Type::String => self.string(node)?,
                Type::Object => self.object(node, RowSet::MAX)?,
                Type::Array => self.array(node)?,
                Type::Null | Type::Boolean => {}
            }
        }
        Ok(())
    }

    fn name(&mut self, node: &Node, of: Type) -> fmt::Result {
        self.out.write_str(match of {
            Type::Null => "\"null\"",
            Type::Boolean => "\"boolean\"",
            Type::Number if node.count(Kind::Fraction) == 0 => "\"integer\"",
            Type::Number => "\"number\"",
            Type::String => "\"string\"",
            Type::Object => "\"object\"",
            Type::Array => "\"array\"",
        })
    }

    /// Limits have room for what comes next; a description tells beside them what came.
    fn range(&mut self, node: &Node) -> fmt::Result {
        let limits = claim::range(node).filter(|_| self.room || claim::is_measured(node));
        let observed = claim::observed(node).filter(|_| !self.room);
        match (limits, observed) {
            // What stood still so far may move anywhere.
            (_, Some((only, same))) if only == same => {
                return write!(self.out, ",\"description\":\"received {only} only\"");
            }
            // What grows does not fall below where it was.
            (_, Some((low, _))) if claim::is_counter(node) => {
                write!(self.out, ",\"minimum\":{low}")?;
            }
            (Some((low, high)), _) => {
                write!(self.out, ",\"minimum\":{low},\"maximum\":{high}")?;
            }
            (None, _) => {}
        }
        match observed {
            Some((low, high)) => {
                write!(self.out, ",\"description\":\"received {low} to {high}\"")
            }
            None => Ok(()),
        }
    }

    fn enumeration(&mut self, node: &Node, place: Place, nullable: bool) -> fmt::Result {
        let values = claim::values(self.view, node, place.rows);
        let mut single = values.clone();
        if let (Some(only), None, false) = (single.next(), single.next(), nullable) {
            self.out.write_str("\"const\":")?;
            return quoted(self.out, only.text());
        }
        self.out.write_str("\"enum\":[")?;
        let mut comma = Comma(false);
        let mut last: Option<&str> = None;
        // In order of the alphabet: the same set is written the same.
        while let Some(next) = values
            .clone()
            .map(Value::text)
            .filter(|text| last.is_none_or(|last| *text > last))
            .min()
        {
            comma.write(self.out)?;
            quoted(self.out, next)?;
            last = Some(next);
        }
        if nullable {
            self.out.write_str(",null")?;
        }
        self.out.write_char(']')
    }

    fn string(&mut self, node: &Node) -> fmt::Result {
        let strings = &node.strings;
        let or_empty = strings.least == 0;
        if let Some(format) = claim::format(node) {
            if let Some(name) = format.format.filter(|_| !or_empty) {
                write!(self.out, ",\"format\":\"{name}\"")?;
            }
            let (open, close) = if or_empty {
                ("(", ")?")
            } else if format.pattern.contains('|') {
                ("(", ")")
            } else {
                ("", "")
            };
            return write!(
                self.out,
                ",\"pattern\":\"^{open}{}{close}$\"",
                format.pattern
            );
        }
        // What letters came is no description of a text.
        let count = node.count(Kind::String);
        if count < 10 || strings.classes == 0 || !self.room {
            return Ok(());
        }
        let outlined = !strings.mixed && strings.outline != 0 && !or_empty;
        if outlined && let Some(example) = claim::values(self.view, node, RowSet::MAX).next() {
            return self.outline(example.text(), strings.classes);
        }
        if count >= 20 && strings.classes & text::OTHER == 0 {
            self.out.write_str(",\"pattern\":\"^")?;
            self.classes(strings.classes)?;
            match (strings.least, strings.most) {
                (a, b) if a == b && node.is(MANY) => write!(self.out, "{{{a}}}$\"")?,
                (0, _) => self.out.write_str("*$\"")?,
                _ => self.out.write_str("+$\"")?,
            }
        }
        Ok(())
    }

    /// A pattern of the runs and marks of a string that is made as all are.
    fn outline(&mut self, example: &str, classes: u32) -> fmt::Result {
        self.out.write_str(",\"pattern\":\"^")?;
        let mut run = false;
        for c in example.chars() {
            if c.is_ascii_alphanumeric() {
                if !run {
                    self.classes(classes & text::ALPHANUMERIC)?;
                    self.out.write_char('+')?;
                }
                run = true;
                continue;
            }
            run = false;
            match c {
                '"' => self.out.write_str("\\\"")?,
                '\\' => self.out.write_str("\\\\\\\\")?,
                '.' | '+' | '*' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '^' | '$' | '|' => {
                    write!(self.out, "\\\\{c}")?
                }
                c => self.out.write_char(c)?,
            }
        }
        self.out.write_str("$\"")
    }

    fn classes(&mut self, classes: u32) -> fmt::Result {
        self.out.write_char('[')?;
        for (i, class) in text::CLASSES.iter().enumerate() {
            if classes >> i & 1 == 1 {
                self.out.write_str(class)?;
            }
        }
        if classes & text::MINUS != 0 {
            self.out.write_char('-')?;
        }
        self.out.write_char(']')
    }

    /// The members of the objects of some rows.
    fn object(&mut self, node: &Node, rows: RowSet) -> fmt::Result {
        let view = self.view;
        let rowless = node.is(ROWLESS | MAPPED | OPEN);
        let of = || {
            view.rows(node)
                .filter(move |row| rows >> row.index & 1 == 1 && row.count > 0)
        };
        let named = view
            .children(node)
            .filter(|child| !child.is(WILD | MOVED) && child.present > 0);
        let here = move |child: &&Node| {
            rowless || child.place >= PLACES || of().any(|row| row.set.has(child.place))
        };
        let mut members = named.filter(here).peekable();
        let mut required = 0u32;
        if members.peek().is_some() {
            self.out.write_str(",\"properties\":{")?;
            let mut comma = Comma(false);
            for child in members {
                comma.write(self.out)?;
                quoted(self.out, view.key(child))?;
                self.out.write_char(':')?;
                required += u32::from(is_required(view, node, child, rows));
                let mut place = Place::ANY;
                if !rowless {
                    place.rows = rows;
                    place.types = of().fold(1, |types, row| types | 1 << row.set.code(child.place));
                }
                self.schema(child, place)?;
            }
            self.out.write_char('}')?;
        }
        if required > 0 {
            self.out.write_str(",\"required\":[")?;
            let mut comma = Comma(false);
            for child in view
                .children(node)
                .filter(|child| is_required(view, node, child, rows))
            {
                comma.write(self.out)?;
                quoted(self.out, view.key(child))?;
            }
            self.out.write_char(']')?;
        }
        let data = view
            .children(node)
            .find(|child| child.is(WILD) && node.is(MAPPED));
        match data {
            Some(data) if self.room && node.named < super::store::MEMBERS => {
                write!(self.out, ",\"patternProperties\":{{\"{IDENTIFIER}\":")?;
                self.schema(data, Place::ANY)?;
                self.out.write_str("},\"additionalProperties\":false")
            }
            Some(data) => {
                self.out.write_str(",\"additionalProperties\":")?;
                self.schema(data, Place::ANY)
            }
            None if is_closed(view, node) => self.out.write_str(",\"additionalProperties\":false"),
            None => Ok(()),
        }
    }

    fn array(&mut self, node: &Node) -> fmt::Result {
        let Some(items) = self.view.children(node).find(|child| child.is(WILD)) else {
            return Ok(());
        };
        let same = (node.least_items == node.most_items).then_some(node.most_items as usize);
        let count = node.count(Kind::Array);
        let types = same
            .and_then(|length| node.tuple.get(..length))
            .unwrap_or(&[]);
        let first = types.first().copied().unwrap_or(0);
        let single = types.iter().all(|types| types.count_ones() == 1);
        if count >= 3 && single && types.iter().any(|&types| types != first) {
            self.out.write_str(",\"prefixItems\":[")?;
            let mut comma = Comma(false);
            for &types in types {
                comma.write(self.out)?;
                self.schema(items, Place::ANY.only(types))?;
            }
            return write!(self.out, "],\"items\":false,\"minItems\":{}", types.len());
        }
        self.out.write_str(",\"items\":")?;
        self.schema(items, Place::ANY)?;
        match same {
            Some(length) if count >= 10 => {
                write!(self.out, ",\"minItems\":{length},\"maxItems\":{length}")
            }
            _ => Ok(()),
        }
    }
}

/// Whether all objects of these rows have a member.
fn is_required(view: View<'_>, node: &Node, child: &Node, rows: RowSet) -> bool {
    if child.is(WILD | MOVED) || child.present == 0 {
        return false;
    }
    if node.is(ROWLESS | MAPPED | OPEN) || child.place >= PLACES {
        return child.present >= node.count(Kind::Object);
    }
    let mut of = view
        .rows(node)
        .filter(|row| rows >> row.index & 1 == 1 && row.count > 0);
    of.all(|row| row.set.has(child.place))
}

/// Whether no other members are to be expected.
pub(super) fn is_closed(view: View<'_>, node: &Node) -> bool {
    let objects = node.count(Kind::Object);
    let keys = view
        .children(node)
        .filter(|child| child.present == 1)
        .count();
    let rows = view.rows(node).filter(|row| row.count == 1).count();
    let once = if node.is(ROWLESS) {
        keys
    } else {
        keys.min(rows)
    };
    !node.is(OPEN) && objects >= 3 && once * 4 <= objects as usize
}

/// A string of JSON.
pub(super) fn quoted<W: Write>(out: &mut W, text: &str) -> fmt::Result {
    out.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => out.write_str("\\\"")?,
            '\\' => out.write_str("\\\\")?,
            c if c < ' ' => write!(out, "\\u{:04x}", u32::from(c))?,
            c => out.write_char(c)?,
        }
    }
    out.write_char('"')
}
