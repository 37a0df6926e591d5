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

/// The verdict, behind what must be known before it: that the connection was lost meanwhile.
pub(super) fn with_interruption(report: &Report, verdict: String) -> String {
    let Some(lost) = &report.interruption else {
        return verdict;
    };
    let times = match lost.times {
        0 | 1 => String::new(),
        many => format!(" {many} times"),
    };
    let now = match lost.now_connected {
        true => "and stands again",
        false => "and does not stand now",
    };
    // A broker that gives the connection to somebody else says so in 5.0; in 3.1.1 it only closes, again and again.
    let rival = match lost.times > 2 || lost.reason.contains("taken over") {
        true => "; does another client use the same client id?",
        false => "",
    };
    format!(
        "the connection to the broker was lost{times} ({}) for {} s of {} s, {now}{rival}; {verdict}",
        render::clean(&lost.reason),
        render::seconds(lost.lasted),
        render::seconds(report.elapsed),
    )
}
