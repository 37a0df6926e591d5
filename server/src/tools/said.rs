//! The first line of what the listening tools say: words that several of them share.

use super::listen::Head;
use crate::broker::report::Report;
use crate::render;

/// That nothing came, and what to do about it.
pub(super) fn nothing(head: &Head, report: &Report) -> String {
    let seconds = render::seconds(report.elapsed);
    let next = match head.filter() {
        filter if filter.starts_with("$SYS") => {
            "many brokers tell $SYS every 10 s or more, some not at all"
        }
        "#" => {
            "retained messages come at once, others when they are sent: listen longer; the broker may also deny \
             reading without saying so"
        }
        _ => {
            "retained messages come at once, others when they are sent: listen longer, or see with list_topics on # \
             whether the filter is right; the broker may also deny reading without saying so"
        }
    };
    format!("nothing came in {seconds} s; {next}")
}

/// `1 topic`, `2 topics`.
pub(super) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
