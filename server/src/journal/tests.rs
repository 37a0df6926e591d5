use super::*;
use std::time::Duration;

fn came(journal: &Journal) -> ClientId {
    let id = ClientId(journal.clients().len() as u64 + 1);
    journal.client_came(id, "http");
    id
}

fn ended(outcome: &str) -> Ended<'_> {
    Ended {
        took: Duration::from_millis(30),
        listened: Duration::ZERO,
        bytes: 270,
        tokens: 100,
        outcome,
        failed: outcome != "ok",
        verdict: "",
        result: "{}",
    }
}

fn noted(tool: &str) -> Noted {
    Noted {
        tool: tool.to_owned(),
        ..Noted::default()
    }
}

#[test]
fn calls_are_kept_newest_first_and_bounded() {
    let journal = Journal::new();
    let client = came(&journal);
    journal.client_named(client, "host", "2.1");
    for number in 0..2_000 {
        let outcome = if number % 10 == 0 { "timeout" } else { "ok" };
        journal.call(client, noted("ping"), ended(outcome));
    }
    let all = journal.calls(&CallFilter::latest(usize::MAX));
    assert_eq!(all.len(), 512);
    assert_eq!(
        all.first().map(|call| (call.number, call.who.as_str())),
        Some((2_000, "host 2.1"))
    );
    let failed = CallFilter {
        failed: Some(true),
        before: Some(1_992),
        ..CallFilter::latest(2)
    };
    let numbers: Vec<u64> = journal
        .calls(&failed)
        .iter()
        .map(|call| call.number)
        .collect();
    assert_eq!(numbers, [1_991, 1_981]);
    let client = &journal.clients()[0];
    assert_eq!(
        (client.calls, client.errors, client.publishes),
        (2_000, 200, 0)
    );
    journal.meters(|meters| {
        let ping = &meters.tools()[0];
        assert_eq!((ping.calls, ping.errors, ping.bytes), (2_000, 200, 540_000));
    });
}

#[test]
fn a_publish_that_may_have_gone_is_marked_as_one() {
    let journal = Journal::new();
    let client = came(&journal);
    for outcome in ["ok", "in_doubt", "denied", "cancelled"] {
        journal.call(client, noted("publish_message"), ended(outcome));
    }
    let calls = journal.calls(&CallFilter::latest(10));
    let published: Vec<bool> = calls.iter().rev().map(|call| call.published).collect();
    assert_eq!(published, [true, true, false, false]);
    assert_eq!(journal.clients()[0].publishes, 2);
}

#[test]
fn time_spent_listening_as_asked_is_not_latency() {
    let journal = Journal::new();
    let client = came(&journal);
    for listened in [20, 9_000] {
        let ended = Ended {
            listened: Duration::from_millis(listened),
            ..ended("ok")
        };
        journal.call(client, noted("list_topics"), ended);
    }
    let calls = journal.calls(&CallFilter::latest(2));
    let own: Vec<u128> = calls
        .iter()
        .rev()
        .map(|call| call.own.as_millis())
        .collect();
    // What was heard before the call began was not waited for.
    assert_eq!(own, [10, 30]);
}

#[test]
fn texts_are_cut_at_a_character() {
    let journal = Journal::new();
    let client = came(&journal);
    let long = "ä".repeat(10_000);
    journal.client_named(client, &long, "");
    let ended = Ended {
        verdict: &long,
        result: &long,
        ..ended("ok")
    };
    journal.call(client, noted(&long), ended);
    let call = &journal.calls(&CallFilter::latest(1))[0];
    assert!(call.result.ends_with('…') && call.result.len() < 4_200);
    assert!(call.verdict.len() < 500 && call.tool.len() < 100 && call.who.len() < 100);
    journal.error(Level::Error, &long, &long);
    assert!(journal.errors()[0].text.len() < 600);
}

#[test]
fn equal_errors_are_one_line_with_a_count() {
    let journal = Journal::new();
    journal.error(Level::Warning, "broker", "no answer for 38 s");
    journal.error(Level::Warning, "broker", "refused");
    journal.error(Level::Warning, "broker", "no answer for 9 s");
    journal.error(Level::Error, "broker", "no answer for 9 s");
    let lines = journal.errors();
    let told: Vec<_> = lines
        .iter()
        .map(|it| (it.level, it.text.as_str(), it.count))
        .collect();
    let expected = [
        (Level::Error, "no answer for 9 s", 1),
        (Level::Warning, "no answer for 9 s", 2),
        (Level::Warning, "refused", 1),
    ];
    assert_eq!(told, expected);
    for number in 0..1_000 {
        let word: String = format!("{number}")
            .chars()
            .map(|c| char::from(c as u8 + 50))
            .collect();
        journal.error(Level::Error, "x", &word);
    }
    assert_eq!(journal.errors().len(), 200);
}

#[test]
fn who_left_first_is_forgotten_first() {
    let journal = Journal::new();
    let ids: Vec<ClientId> = (0..256).map(|_| came(&journal)).collect();
    journal.client_left(ids[7]);
    let late = ClientId(1_000);
    journal.client_came(late, "relay");
    assert_eq!(journal.clients().len(), 256);
    assert_eq!(journal.client_title(ids[7]), None);
    assert!(journal.client_title(late).is_some() && journal.client_title(ids[0]).is_some());
    // What is told of somebody who is forgotten costs nothing.
    journal.call(ids[7], noted("ping"), ended("ok"));
    assert_eq!(journal.calls(&CallFilter::latest(1))[0].who, "an assistant");
}

#[test]
fn a_point_is_what_happened_since_the_last() {
    let journal = Journal::new();
    for messages in [1_000, 1_000, 1_000_000] {
        journal.tick(Reading {
            messages,
            memory: Some(5 << 20),
            ..Reading::default()
        });
    }
    journal.meters(|meters| {
        let points: Vec<&Point> = meters.points().collect();
        assert_eq!(points.len(), 2);
        assert_eq!((points[0].messages, points[0].memory_kib), (0, 5_120));
        assert!(points[1].messages > 0);
    });
    for _ in 0..2 * HOUR {
        journal.tick(Reading::default());
    }
    assert_eq!(journal.meters(|meters| meters.points().count()), HOUR);
}

#[test]
fn quantiles_are_read_off_between_the_bounds() {
    let mut histogram = Histogram::default();
    assert_eq!(histogram.quantile_ms(0.5), None);
    for ms in 1..=100 {
        histogram.add(Duration::from_millis(ms));
    }
    let (half, most) = (histogram.quantile_ms(0.5), histogram.quantile_ms(0.95));
    assert!((45.0..=55.0).contains(&half.unwrap()), "{half:?}");
    assert!((90.0..=100.0).contains(&most.unwrap()), "{most:?}");
    histogram.add(Duration::from_secs(1_000));
    assert_eq!(histogram.quantile_ms(1.0), Some(100_000.0));
    assert_eq!(histogram.cumulative().last(), Some(100));
    assert_eq!(histogram.count(), 101);
}

#[test]
fn unknown_tools_do_not_grow_the_table() {
    let journal = Journal::new();
    for number in 0..1_000 {
        journal.reported(Reported {
            tool: format!("tool_{number}"),
            ..Reported::default()
        });
    }
    journal.meters(|meters| {
        assert_eq!((meters.tools().len(), meters.reported()), (65, 1_000));
        assert_eq!(meters.tools().last().unwrap().tool, "other");
    });
}
