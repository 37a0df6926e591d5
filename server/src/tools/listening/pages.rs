//! The rest of an answer that was cut: what was heard is kept for a while, and `next` holds the arguments that bring more.
//!
//! Invariant: following `next` brings something new each time, and ends.

use super::{Common, Format, Head, Heard};
use crate::tools::State;
use serde_json::{Map, Value, json};

/// Bytes of `capture_id` and `next`.
pub(super) const NEXT: usize = 240;

/// Bytes of a fuller answer: some 18,000 tokens, and hosts cut at 25,000.
const FULLER: u32 = 48 * 1024;

/// What an answer left out, and how it is to be had.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::tools) enum Rest {
    /// The entries from this one on.
    From(usize),
    /// More about these entries, by pages.
    Detailed,
    /// The same in an answer of more bytes.
    Fuller,
    /// Another call, with these arguments: it is not known here.
    Anew(Map<String, Value>),
}

impl Heard {
    /// Keeps what was heard if the answer left some of it out, and says in its head how to get that.
    pub(in crate::tools) fn keep(mut self, state: &State, asked: &Common, head: &mut Head) {
        let Some(rest) = head.rest.take().filter(|_| self.is_complete()) else {
            return;
        };
        let detailed = asked.response_format == Format::Detailed;
        let full = detailed && asked.max_bytes.is_some_and(|bytes| bytes >= FULLER);
        if rest == Rest::Fuller && full {
            return;
        }
        if let Rest::Anew(arguments) = rest {
            head.next = Some(Value::Object(arguments));
            return;
        }
        let id = self.id.take();
        let id = id.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        let mut next = Map::new();
        let mut put = |name: &str, value: Value| drop(next.insert(name.to_owned(), value));
        put("capture_id", json!(id));
        if detailed || matches!(rest, Rest::Detailed | Rest::Fuller) {
            put("response_format", json!("detailed"));
        }
        let offset = match rest {
            Rest::From(offset) => offset,
            _ => asked.offset as usize,
        };
        if offset > 0 {
            put("offset", json!(offset));
        }
        match asked.max_bytes {
            _ if rest == Rest::Fuller => {
                put("max_bytes", json!(asked.max_bytes.unwrap_or(0).max(FULLER)))
            }
            Some(bytes) => put("max_bytes", json!(bytes)),
            None => {}
        }
        state.captures.keep(&id, self);
        head.capture_id = Some(id);
        head.next = Some(Value::Object(next));
    }
}
