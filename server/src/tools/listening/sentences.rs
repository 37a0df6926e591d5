//! The first line of what the listening tools say: words that several of them share.

use super::Head;
use crate::broker::report::{Interruption, Report, StopReason};
use crate::render;
use std::time::Duration;

/// That nothing came, and what to do about it.
pub(in crate::tools) fn nothing(head: &Head, report: &Report) -> String {
    let seconds = render::seconds(report.span());
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
    if report.oversized > 0 || report.asides.strays.messages > 0 {
        return format!("nothing that could be counted came in {seconds} s");
    }
    format!("nothing came in {seconds} s; {next}")
}

/// What came otherwise than expected, at the end of a verdict: it makes other numbers doubtful.
pub(in crate::tools) fn asides(report: &Report) -> String {
    let mut said = String::new();
    let example = report.asides.large.first();
    let example = example.map_or(String::new(), |it| {
        let topic = render::topic(&it.topic);
        format!(", e.g. {topic} ({} bytes)", it.bytes)
    });
    if report.oversized > 0 {
        let many = count(report.oversized, "message was", "messages were");
        said += &format!("; {many} larger than max_packet and not read{example}");
    }
    let asides = &report.asides;
    if asides.elsewhere.messages > 0 {
        let many = count(asides.elsewhere.messages, "message", "messages");
        let topic = render::topic(&asides.elsewhere.topic);
        said += &format!(
            "; the broker delivered {many} under other topics than the filter, e.g. {topic}"
        );
    }
    if asides.strays.messages > 0 {
        let many = count(asides.strays.messages, "message", "messages");
        let topic = render::topic(&asides.strays.topic);
        said += &format!(
            "; {many} of this session fit no open filter: not counted, e.g. topic {topic}"
        );
    }
    if let Some((step, forward)) = asides.clock_stepped() {
        let way = if forward { "forward" } else { "back" };
        said += &format!(
            "; this machine's clock was set {way} by {} s during the listening{}: times before and after do not agree",
            render::seconds(step),
            if forward { ", or it slept" } else { "" }
        );
    }
    said
}

/// `1 topic`, `2 topics`.
pub(in crate::tools) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// A connection that lasts less than this between two losses, on average over at least [`RIVALRY`] of them, is not lost by
/// chance: a client that is thrown out by another with its id comes back within seconds.
const SHORT_LIVED: Duration = Duration::from_secs(30);
const RIVALRY: u32 = 3;

/// The verdict, behind what must be known before it: that the connection was lost meanwhile, or that the listening ended
/// before its time.
pub(in crate::tools) fn with_interruption(report: &Report, verdict: String) -> String {
    let lost = report.interruption.as_ref();
    let lost = lost.map_or(String::new(), |lost| interruption(report, lost));
    lost + &ended_early(report) + &of_the_latest(report) + &verdict
}

/// Of which while it is told, where that is not all.
fn of_the_latest(report: &Report) -> String {
    let Some(latest) = report.findings.latest else {
        return String::new();
    };
    let (span, all) = (
        render::seconds(latest.span),
        render::seconds(report.elapsed),
    );
    match report.findings.health {
        Some(_) => format!(
            "Devices that spoke in the last {span} s or have findings; what is told of each is of all {all} s watched: "
        ),
        None if !latest.counted => format!("Counted over all {all} s watched: "),
        None if latest.span < latest.wanted => {
            format!("Of the last {span} s, as more messages came than are remembered one by one: ")
        }
        None => format!("Of the last {span} s: "),
    }
}

fn interruption(report: &Report, lost: &Interruption) -> String {
    let (after, lasted) = (render::seconds(lost.after), render::seconds(lost.lasted));
    let reason = render::clean(&lost.reason);
    // A watch ends with its session only.
    let of = match lost.wanted > Duration::from_secs(24 * 3_600) {
        true => String::new(),
        false => format!(" of {}", render::seconds(lost.wanted)),
    };
    let when = match lost.times {
        0 | 1 => format!("lost after {after} s{of} ({reason})"),
        many => format!("lost {many} times, first after {after} s{of} (last: {reason})"),
    };
    let now = match lost.now_connected {
        true => "stands again",
        false => "does not stand now",
    };
    let often = lost.times >= RIVALRY && report.elapsed / lost.times < SHORT_LIVED;
    // A broker that gives the connection to somebody else says so in 5.0; in 3.1.1 it only closes, again and again.
    const QUESTION: &str = "does another client use the same client id?";
    let asked = lost.reason.contains(QUESTION);
    let rival = match !asked && (often || lost.reason.contains("taken over")) {
        true => format!("; {QUESTION}"),
        false => String::new(),
    };
    format!(
        "The connection to the broker was {when}, for {lasted} s nothing could be heard, and it {now}{rival}; "
    )
}

fn ended_early(report: &Report) -> String {
    let seconds = render::seconds(report.elapsed);
    match report.stopped {
        Some(StopReason::MaxMessages) => {
            format!("Stopped early, by max_messages after {seconds} s; ")
        }
        Some(StopReason::SessionClosed) => {
            format!("Stopped early: the session was closed after {seconds} s; ")
        }
        Some(StopReason::Quiet) => {
            format!("Stopped after {seconds} s, as no new topic came (until_quiet); ")
        }
        Some(StopReason::Duration | StopReason::ConnectionLost | StopReason::Cancelled) | None => {
            String::new()
        }
    }
}
