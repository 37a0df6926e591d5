//! Listening that takes long: progress, `running` and `capture_id`, leases, cancellation, a broker that comes back.

use crate::support::mosquitto::{Mosquitto, Options};
use crate::tools_assistant::Assistant;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn subscriptions(assistant: &mut Assistant) -> u64 {
    let listed = assistant.ok("list_active_connections", json!({}));
    listed["sessions"][0]["subscriptions"].as_u64().unwrap()
}

/// Waits until no subscription is in use.
fn freed(assistant: &mut Assistant) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while subscriptions(assistant) > 0 {
        assert!(Instant::now() < deadline, "the subscription is not freed");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_long_call_returns_running_and_goes_on() {
    let broker = Mosquitto::plain();
    let mut assistant = Assistant::with(&["call_limit=1"], &[]);
    let session = assistant.connect(&broker.url());
    let mut publisher = broker.publisher(&["-t", "a/b"]);
    let arguments = json!({"session_id": session, "topic": "a/#", "duration": 2.5});
    let id = assistant.begin("subscribe_and_collect", arguments);
    broker.wait_for_log("a/#");
    publisher.line("1");
    let running = assistant.end("subscribe_and_collect", &id);
    assert_eq!(
        (&running["status"], &running["summary"]["received"]),
        (&json!("running"), &json!(1)),
        "{running}"
    );
    let capture = running["capture_id"].as_str().unwrap().to_owned();
    assistant.refused(
        "list_topics",
        json!({"capture_id": capture}),
        "invalid_argument",
        &["subscribe_and_collect"],
    );
    publisher.line("2");
    publisher.finish();
    let mut last = running;
    while last["status"] == "running" {
        last = assistant.ok("subscribe_and_collect", json!({"capture_id": capture}));
    }
    assert_eq!(
        (&last["stop_reason"], &last["summary"]["received"]),
        (&json!("duration"), &json!(2))
    );
    assert!(last.get("capture_id").is_none());
    let again = assistant.ok("subscribe_and_collect", json!({"capture_id": capture}));
    assert_eq!(
        again["messages"], last["messages"],
        "a complete capture can be asked for again"
    );
    freed(&mut assistant);
}

#[test]
fn a_capture_that_nobody_asks_for_is_dropped() {
    let broker = Mosquitto::plain();
    let mut assistant =
        Assistant::with(&["call_limit=1", "capture_lease=1", "max_captures=1"], &[]);
    let session = assistant.connect(&broker.url());
    let long = json!({"session_id": session, "topic": "x", "duration": 100});
    let running = assistant.ok("subscribe_and_collect", long.clone());
    let capture = running["capture_id"].as_str().unwrap();
    assistant.refused(
        "subscribe_and_collect",
        long,
        "too_many_captures",
        &["capture_id"],
    );
    freed(&mut assistant);
    let late = json!({"capture_id": capture});
    assistant.refused(
        "subscribe_and_collect",
        late,
        "capture_expired",
        &["nobody asked"],
    );
}

#[test]
fn progress_comes_early_and_a_cancelled_call_frees_its_subscription() {
    let broker = Mosquitto::plain();
    let mut assistant = Assistant::new();
    let session = assistant.connect(&broker.url());
    let began = Instant::now();
    let long = json!({"session_id": session, "pattern": "a/#", "duration": 200});
    let id = assistant.begin_with_progress("list_topics", long);
    broker.wait_for_log("a/#");
    broker.publish(&["-t", "a/1", "-m", "x"]);
    let tick = assistant.first_progress();
    assert!(
        began.elapsed() < Duration::from_secs(30),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(
        (&tick["progressToken"], &tick["total"]),
        (&json!("p"), &json!(200.0))
    );
    assert!(
        tick["message"]
            .as_str()
            .unwrap()
            .contains("1 messages on 1 topics"),
        "{tick}"
    );
    assert_eq!(subscriptions(&mut assistant), 1);
    assistant.client.send(&json!({
        "jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}
    }));
    freed(&mut assistant);
    assistant.ok("ping", json!({}));
    let answered = assistant
        .client
        .others()
        .into_iter()
        .any(|message| message["id"] == id);
    assert!(!answered, "a cancelled call was answered");
}

#[test]
fn closing_the_session_completes_what_listens() {
    let broker = Mosquitto::plain();
    let mut assistant = Assistant::new();
    let session = assistant.connect(&broker.url());
    let id = assistant.begin(
        "list_topics",
        json!({"session_id": session, "duration": 40}),
    );
    broker.wait_for_log("SUBSCRIBE");
    assistant.ok("close_connection", json!({"session_id": session}));
    let done = assistant.end("list_topics", &id);
    assert_eq!(
        (&done["status"], &done["stop_reason"]),
        (&json!("complete"), &json!("session_closed"))
    );
}

#[test]
fn two_calls_with_overlapping_filters_see_each_message_once() {
    let broker = Mosquitto::plain();
    let mut assistant = Assistant::new();
    let session = assistant.connect(&broker.url());
    broker.publish(&["-r", "-t", "a/kept", "-m", "old"]);
    let call = |topic: &str| json!({"session_id": session, "topic": topic, "duration": 1.5, "retained": "exclude"});
    let wide = assistant.begin("subscribe_and_collect", call("a/#"));
    let narrow = assistant.begin("subscribe_and_collect", call("a/b"));
    for filter in ["a/#", "a/b"] {
        broker.wait_for_log(filter);
    }
    broker.publish(&["-t", "a/b", "-m", "new"]);
    broker.publish(&["-t", "a/c", "-m", "new"]);
    let received = |answer: Value| answer["summary"]["received"].as_u64().unwrap();
    assert_eq!(received(assistant.end("subscribe_and_collect", &wide)), 2);
    assert_eq!(received(assistant.end("subscribe_and_collect", &narrow)), 1);
}

#[test]
fn a_broker_that_comes_back_is_told_as_deafness() {
    let mut broker = Mosquitto::start(&Options {
        persistence: true,
        ..Options::default()
    });
    let mut assistant = Assistant::new();
    let session = assistant.connect(&broker.url());
    let id = assistant.begin(
        "subscribe_and_collect",
        json!({"session_id": session, "topic": "a/#", "duration": 15, "max_messages": 2, "qos": 1}),
    );
    broker.wait_for_log("a/#");
    broker.publish(&["-q", "1", "-t", "a/1", "-m", "before"]);
    broker.kill();
    broker.run();
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let listed = assistant.ok("list_active_connections", json!({}));
        let shown = &listed["sessions"][0];
        if shown["state"] == "connected" && shown["reconnects"] == 1 {
            break;
        }
        assert!(Instant::now() < deadline, "{listed}");
        std::thread::sleep(Duration::from_millis(20));
    }
    broker.publish(&["-q", "1", "-t", "a/2", "-m", "after"]);
    let done = assistant.end("subscribe_and_collect", &id);
    assert_eq!(
        (&done["summary"]["received"], &done["reconnects"]),
        (&json!(2), &json!(1)),
        "{done}"
    );
    assert!(done["deaf_s"].as_f64().unwrap() > 0.0, "{done}");
}

#[test]
fn results_keep_their_budget_and_errors_are_found() {
    let broker = Mosquitto::plain();
    let mut assistant = Assistant::new();
    let session = assistant.connect(&broker.url());
    let id = assistant.begin(
        "subscribe_and_collect",
        json!({"session_id": session, "topic": "log/#", "duration": 15, "max_messages": 400, "max_bytes": 6000}),
    );
    broker.wait_for_log("log/#");
    let mut publisher = broker.publisher(&["-t", "log/x"]);
    for n in 0..400 {
        let line = match n {
            217 => "{\"level\":\"error\",\"message\":\"pump failed\"}".to_owned(),
            n => format!(
                "{{\"level\":\"info\",\"n\":{n},\"text\":\"{}\"}}",
                "x".repeat(300)
            ),
        };
        publisher.line(&line);
    }
    publisher.finish();
    let done = assistant.end("subscribe_and_collect", &id);
    assert!(done.to_string().len() <= 6_000);
    assert_eq!(
        (&done["summary"]["received"], &done["summary"]["errors"]),
        (&json!(400), &json!(1)),
        "{}",
        done["summary"]
    );
    let messages = done["messages"].as_array().unwrap();
    assert!(
        messages
            .iter()
            .any(|m| m["payload"]["message"] == "pump failed"),
        "{done}"
    );
    assert!(
        done["omitted"]["messages"].as_u64().unwrap_or(0)
            + done["omitted"]["payloads_cut"].as_u64().unwrap()
            > 0
    );
}

#[test]
fn what_hides_in_names_and_values_reaches_no_answer() {
    const HIDDEN: [char; 6] = [
        '\u{202e}',
        '\u{200b}',
        '\u{e0041}',
        '\u{9b}',
        '\u{fe0f}',
        '\u{2066}',
    ];
    let broker = Mosquitto::plain();
    for hidden in HIDDEN {
        let name = hidden as u32;
        let message = json!({format!("temp{hidden}"): 20, "error": format!("stuck{hidden}!")});
        let topic = format!("hall/{name:x}/state");
        broker.publish(&["-r", "-q", "1", "-t", &topic, "-m", &message.to_string()]);
    }
    let mut assistant = Assistant::new();
    let session = assistant.connect(&broker.url());
    for (tool, filter) in [
        ("list_topics", "pattern"),
        ("subscribe_and_collect", "topic"),
        ("get_topic_schema", "topic"),
        ("debug_device", "device_pattern"),
    ] {
        let answer = assistant.ok(
            tool,
            json!({"session_id": session, filter: "#", "duration": 0.5}),
        );
        let text = answer.to_string();
        assert!(text.contains("hall"), "{tool}: {text}");
        for hidden in HIDDEN {
            assert!(!text.contains(hidden), "{tool}, {hidden:?}: {text}");
        }
    }
}
