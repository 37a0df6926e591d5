//! How far a schema is to be relied on: how many of the messages that it was built from it would refuse, had each been
//! left out. Only what came once can be such: a set of members, a type, a key. A set that the others imply (a new
//! mixture of optional members) is none. Invariant: shards and their order do not matter; asking changes nothing.

use super::node::*;
use super::store::View;
use super::union::{Common, Kinds};
use super::write::is_closed;

/// Messages that are told apart; more count each time.
const MESSAGES: usize = 256;

/// Messages that the rest of them would not have led to expect, at a node and below it.
pub(super) fn refused(view: View<'_>, root: &Node) -> u32 {
    let mut refused = Refused {
        view,
        messages: heapless::Vec::new(),
        more: 0,
    };
    refused.at(root, false);
    refused
        .more
        .saturating_add(u32::try_from(refused.messages.len()).unwrap_or(u32::MAX))
}

struct Refused<'v> {
    view: View<'v>,
    /// Hashes of messages, in order: one that is unlike the others at several paths counts once.
    messages: heapless::Vec<u32, MESSAGES>,
    more: u32,
}

impl Refused<'_> {
    /// `in_rows`: the rows of the object around tell its types.
    fn at(&mut self, node: &Node, in_rows: bool) {
        if node.total() > 1 && !in_rows {
            for of in Type::ALL {
                self.more += u32::from(node.typed(of) == 1);
            }
        }
        let objects = node.count(Kind::Object);
        let rowless = node.is(ROWLESS | MAPPED | OPEN);
        if objects > 1 && rowless {
            let closed = is_closed(self.view, node);
            let named = self.view.children(node).filter(|child| !child.is(WILD));
            for child in named.filter(|child| !child.is(MOVED)) {
                let new = closed && child.present == 1;
                self.more += u32::from(new || child.present == objects - 1);
            }
        } else if objects > 1 {
            self.rows(node);
        }
        for child in self.view.children(node) {
            if !child.is(MOVED) && child.present > 1 {
                self.at(child, !rowless && child.place < PLACES);
            }
        }
    }

    /// The sets of members that came once and that the others do not imply.
    fn rows(&mut self, node: &Node) {
        let mut once = self.view.rows(node).filter(|row| row.count == 1).peekable();
        if once.peek().is_none() {
            return;
        }
        let closed = is_closed(self.view, node);
        let kinds = closed.then(|| Kinds::of(self.view, node));
        for row in once {
            let without =
                |kind: RowSet| kind & !RowSet::checked_shl(1, u32::from(row.index)).unwrap_or(0);
            let implied = |kind: RowSet| {
                let others = Common::of(self.view, node, without(kind));
                others.is_some_and(|others| others.implies(&row.set, closed))
            };
            let implied = match &kinds {
                Some(kinds) => kinds.iter().any(implied),
                None => implied(RowSet::MAX),
            };
            if !implied {
                self.message(row.first);
            }
        }
    }

    fn message(&mut self, hash: u32) {
        if let Err(place) = self.messages.binary_search(&hash)
            && self.messages.insert(place, hash).is_err()
        {
            self.more += 1;
        }
    }
}
