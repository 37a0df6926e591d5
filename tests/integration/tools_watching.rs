//! A session that learns while it lives: `watch`, and the answers that come at once from what it has heard.

use crate::support::connection::{PATIENCE, publish};
use crate::support::mosquitto::{Mosquitto, Options};
use crate::tools_assistant::Assistant;
use async_std::task::block_on;
use bitsperity_mqtt_mcp::broker::sessions::Sessions;
use bitsperity_mqtt_mcp::broker::watch::NotRecalled;
use bitsperity_mqtt_mcp::config::target::Target;
use bitsperity_mqtt_mcp::config::{Limits, Policy};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn watching(assistant: &mut Assistant, broker: &Mosquitto, filters: Value) -> Value {
    let arguments = json!({"connection_string": broker.url(), "watch": filters});
    let established = assistant.ok("establish_connection", arguments);
    assert_eq!(established["watching"], filters);
    established["session_id"].clone()
}

/// Waits until the watch has heard so many.
fn heard(assistant: &mut Assistant, messages: u64) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let listed = assistant.ok("list_active_connections", json!({}));
        let heard = listed["sessions"][0]["watch"]["messages"].as_u64().unwrap();
        if heard >= messages {
            return assert_eq!(heard, messages);
        }
        assert!(Instant::now() < deadline, "{heard} of {messages} messages");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn what_came_since_a_time_is_counted_apart() {
    let broker = Mosquitto::plain();
    let mut assistant = Assistant::new();
    let session = watching(&mut assistant, &broker, json!(["quarry/#"]));
    for n in 0..6 {
        let payload = format!("{{\"error\":\"crusher {n} blocked\"}}");
        broker.publish(&["-t", "quarry/crusher", "-m", &payload]);
        broker.publish(&["-t", "quarry/scale", "-m", &n.to_string()]);
    }
    heard(&mut assistant, 12);
    let time = jiff::Timestamp::now().to_string();
    broker.publish(&["-t", "quarry/gate", "-m", "{\"error\":\"motor hot\"}"]);
    for n in 0..3 {
        broker.publish(&["-t", "quarry/scale", "-m", &n.to_string()]);
    }
    heard(&mut assistant, 16);
    let arguments =
        |since: &str| json!({"session_id": session, "since": since, "topic": "quarry/#"});

    let collected = assistant.ok("subscribe_and_collect", arguments(&time));
    let summary = &collected["summary"];
    let counts = ["received", "errors", "topics_seen"].map(|it| summary[it].as_u64().unwrap());
    assert_eq!(counts, [4, 1, 2], "{summary}");
    let kinds = summary["error_kinds"].as_array().unwrap();
    assert_eq!((kinds.len(), &kinds[0]["count"]), (1, &json!(1)));
    assert_eq!(kinds[0]["topic"], "quarry/gate");
    let verdict = collected["verdict"].as_str().unwrap();
    assert!(verdict.starts_with("Of the last "), "{verdict}");
    assert!(
        verdict.contains("4 messages on 2 topics: 1 error"),
        "{verdict}"
    );
    let listened = collected["listened_s"].as_f64().unwrap();
    let all = assistant.ok("subscribe_and_collect", arguments("session"));
    assert!(listened < all["listened_s"].as_f64().unwrap());
    assert_eq!(all["summary"]["errors"], 7);

    let topics = assistant.ok("list_topics", arguments(&time));
    assert_eq!(
        (&topics["messages"], &topics["topics_seen"]),
        (&json!(4), &json!(2))
    );
    // All that was watched, and more.
    let day = assistant.ok("subscribe_and_collect", arguments("1d"));
    assert_eq!(day["summary"]["received"], 16);
}

#[test]
fn what_came_while_nobody_asked_is_told_at_once() {
    let broker = Mosquitto::plain();
    broker.publish(&["-t", "home/1/t", "-r", "-m", "{\"t\":20.5}"]);
    let mut assistant = Assistant::new();
    let session = watching(&mut assistant, &broker, json!(["home/#", "shed/+"]));
    for n in 0..20 {
        let topic = format!("home/{}/t", n % 4);
        broker.publish(&["-t", &topic, "-m", &format!("{{\"t\":{n}}}")]);
    }
    broker.publish(&["-t", "home/pump/log", "-m", "error: dry run"]);
    broker.publish(&["-t", "shed/door", "-m", "open"]);
    broker.publish(&["-t", "shed/log", "-m", "warning: it is damp"]);
    heard(&mut assistant, 24);
    let began = Instant::now();

    let all = json!({"session_id": session, "topic": "home/#", "since": "session"});
    let topics = assistant.ok("list_topics", all);
    assert_eq!(
        (
            &topics["status"],
            &topics["since"],
            &topics["messages"],
            &topics["retained"]
        ),
        (&json!("complete"), &json!("session"), &json!(22), &json!(1))
    );
    assert_eq!(topics["topics"].as_array().unwrap().len(), 5, "{topics}");
    let part = json!({"session_id": session, "topic": "home/+/t", "since": "session"});
    let topics = assistant.ok("list_topics", part);
    assert_eq!(
        (&topics["messages"], &topics["topics_seen"]),
        (&json!(21), &json!(4))
    );

    let collect = |topic: &str, more: Value| {
        let mut arguments = json!({"session_id": session, "topic": topic, "since": "session"});
        let more = more.as_object().unwrap().clone();
        arguments.as_object_mut().unwrap().extend(more);
        arguments
    };
    let collected = assistant.ok(
        "subscribe_and_collect",
        collect("home/#", json!({"target_size": 5})),
    );
    let messages = collected["messages"].as_array().unwrap();
    assert!(messages.len() <= 5 && messages.iter().any(|it| it["topic"] == "home/pump/log"));
    assert_eq!(
        (
            &collected["summary"]["received"],
            &collected["summary"]["errors"]
        ),
        (&json!(22), &json!(1))
    );
    // Warnings and formats are those of the topics asked for.
    let (summary, damp) = (&collected["summary"], collect("shed/log", json!({})));
    let formats = summary["formats"].as_object().unwrap();
    assert_eq!(
        (&summary["warnings"], &formats["json_object"], formats.len()),
        (&json!(0), &json!(21), 2)
    );
    let damp = assistant.ok("subscribe_and_collect", damp);
    let (summary, formats) = (&damp["summary"], &damp["summary"]["formats"]);
    assert_eq!(
        (&summary["received"], &summary["warnings"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(formats.as_object().unwrap().len(), 1);
    let collected = assistant.ok(
        "subscribe_and_collect",
        collect("home/1/t", json!({"retained": "exclude"})),
    );
    let summary = &collected["summary"];
    assert_eq!(
        (
            &summary["received"],
            &summary["retained"],
            &summary["errors"]
        ),
        (&json!(5), &json!(0), &json!(0))
    );
    for message in collected["messages"].as_array().unwrap() {
        assert_eq!(
            (&message["topic"], &message["retain"]),
            (&json!("home/1/t"), &json!(false))
        );
    }
    assert!(
        collected["note"]
            .as_str()
            .unwrap()
            .contains("the watch heard")
    );
    // Four calls of which each would have listened for half a minute.
    assert!(
        began.elapsed() < Duration::from_secs(30),
        "{:?}",
        began.elapsed()
    );

    let refused = collect("garage/#", json!({}));
    assistant.refused(
        "subscribe_and_collect",
        refused,
        "not_watched",
        &["home/#, shed/+", "since now"],
    );
    let wider = json!({"session_id": session, "since": "session"});
    assistant.refused("list_topics", wider, "not_watched", &["home/#, shed/+"]);
}

#[test]
fn a_session_without_a_watch_says_so_and_a_watch_that_is_none_is_refused() {
    let broker = Mosquitto::plain();
    let mut assistant = Assistant::new();
    let session = assistant.connect(&broker.url());
    let arguments = json!({"session_id": session, "since": "session"});
    assistant.refused(
        "list_topics",
        arguments,
        "not_watched",
        &["establish_connection with watch"],
    );
    let wrong = json!({"connection_string": broker.url(), "watch": ["a/#/b"]});
    assistant.refused("establish_connection", wrong, "invalid_argument", &["a/#"]);
    let many = json!({"connection_string": broker.url(), "watch": ["a", "b", "c", "d", "e"]});
    assistant.refused("establish_connection", many, "invalid_argument", &["watch"]);
}

#[test]
fn a_reconnect_keeps_what_was_learnt_and_says_how_long_it_was_deaf() {
    let mut broker = Mosquitto::start(&Options {
        persistence: true,
        ..Options::default()
    });
    let mut assistant = Assistant::new();
    let session = watching(&mut assistant, &broker, json!(["#"]));
    broker.publish(&["-t", "a", "-m", "before"]);
    heard(&mut assistant, 1);
    broker.terminate();
    broker.run();
    // It waits for the connection.
    let quiet = json!({"session_id": session, "duration": 0.1});
    assistant.ok("list_topics", quiet);
    broker.publish(&["-t", "b", "-m", "after"]);
    heard(&mut assistant, 2);
    let arguments = json!({"session_id": session, "since": "session"});
    let topics = assistant.ok("list_topics", arguments);
    assert_eq!(
        (&topics["messages"], &topics["reconnects"]),
        (&json!(2), &json!(1))
    );
    assert!(topics["deaf_s"].as_f64().unwrap() > 0.0, "{topics}");
    assert!(topics["started"].is_string() && topics.get("stop_reason").is_none());
}

#[test]
fn the_health_of_a_device_is_known_by_its_name() {
    let broker = Mosquitto::plain();
    let mut assistant = Assistant::new();
    let session = watching(&mut assistant, &broker, json!(["zigbee2mqtt/#", "shed/#"]));
    for n in 0..3 {
        let lamp = json!({"state": "ON", "linkquality": 90 + n}).to_string();
        broker.publish(&["-t", "zigbee2mqtt/lamp", "-m", &lamp]);
        let sensor = json!({"battery": 3, "linkquality": 80 + n}).to_string();
        broker.publish(&["-t", "zigbee2mqtt/door_sensor", "-m", &sensor]);
    }
    heard(&mut assistant, 6);
    let ids = |answer: &Value| -> Vec<String> {
        let devices = answer["devices"].as_array().unwrap().iter();
        devices
            .map(|it| it["id"].as_str().unwrap().to_owned())
            .collect()
    };
    for (pattern, expected) in [
        ("Door Sensor", &["zigbee2mqtt/door_sensor"][..]),
        ("zigbee2mqtt/lamp", &["zigbee2mqtt/lamp"]),
        (
            "zigbee2mqtt/#",
            &["zigbee2mqtt/door_sensor", "zigbee2mqtt/lamp"],
        ),
        ("shed/#", &[]),
    ] {
        let arguments = json!({"session_id": session, "topic": pattern, "since": "session"});
        let answer = assistant.ok("debug_device", arguments);
        assert_eq!(ids(&answer), expected, "{pattern}: {answer}");
    }
}

#[test]
fn schemas_and_numbers_of_what_was_watched_are_known() {
    let broker = Mosquitto::plain();
    let mut assistant = Assistant::new();
    let session = watching(&mut assistant, &broker, json!(["plant/#"]));
    let mut publisher = broker.publisher(&["-t", "plant/boiler", "-q", "1"]);
    for n in 0..40 {
        publisher.line(&json!({"t": 20 + n, "on": n % 2 == 0}).to_string());
    }
    publisher.finish();
    broker.publish(&["-t", "plant/note", "-m", "swept"]);
    heard(&mut assistant, 41);
    let arguments = json!({"session_id": session, "topic": "plant/boiler", "since": "session"});
    let schemas = assistant.ok("get_topic_schema", arguments);
    let families = schemas["families"].as_array().unwrap();
    assert_eq!(families.len(), 1, "{schemas}");
    assert_eq!(
        families[0]["schema"]["properties"]["on"]["type"], "boolean",
        "{schemas}"
    );
    let arguments = json!({"session_id": session, "topic": ["plant/#"], "since": "session"});
    let numbers = assistant.ok("monitor_performance", arguments);
    assert_eq!(numbers["status"], "complete", "{numbers}");
    assert!(numbers.to_string().contains("\"messages\":41"), "{numbers}");
    let apart = json!({"session_id": session, "topic": ["plant/boiler"], "since": "session"});
    assistant.refused("monitor_performance", apart, "not_watched", &["plant/#"]);
}

#[test]
fn a_watch_alone_does_not_keep_a_session_that_nobody_uses() {
    let broker = Mosquitto::plain();
    let limits = Limits {
        session_idle: 0.2,
        ..Limits::default()
    };
    let sessions = Sessions::new(&limits, &Policy::default());
    block_on(async {
        let target = Target::parse(&broker.url()).unwrap();
        let filters = ["#".to_owned()];
        assert!(
            sessions
                .establish_watching(target, &filters, None)
                .await
                .is_ok()
        );
        let deadline = Instant::now() + PATIENCE;
        while !sessions.list().is_empty() {
            assert!(Instant::now() < deadline, "it is still open");
            async_std::task::sleep(Duration::from_millis(5)).await;
        }
    });
}

#[test]
fn the_last_value_of_a_topic_is_known_whole() {
    let broker = Mosquitto::plain();
    let sessions = Sessions::new(&Limits::default(), &Policy::default());
    block_on(async {
        let target = Target::parse(&broker.url()).unwrap();
        let filters = ["home/#".to_owned()];
        let Ok(session) = sessions.establish_watching(target, &filters, None).await else {
            panic!("not established");
        };
        let handle = sessions.get(&session.id).unwrap();
        let watch = sessions.watch(&session.id).unwrap().unwrap();
        let long = "x".repeat(5_000);
        publish(&handle, "home/1", "old").await;
        publish(&handle, "home/1", &long).await;
        publish(&handle, "home/2", "other").await;
        let deadline = Instant::now() + PATIENCE;
        while watch.watching().messages < 3 {
            assert!(Instant::now() < deadline);
            async_std::task::sleep(Duration::from_millis(2)).await;
        }
        let (at, last) = watch.last_value("home/1").await.unwrap().unwrap();
        assert_eq!((last.payload.len(), last.payload_bytes), (5_000, 5_000));
        assert!(at <= std::time::SystemTime::now());
        assert!(watch.last_value("home/3").await.unwrap().is_none());
        let Err(NotRecalled::NotWatched(filters)) = watch.last_value("garage").await else {
            panic!("it is not watched");
        };
        assert_eq!(filters, ["home/#"]);
        // What was learnt can be asked for after the session's end, too.
        sessions.close(&session.id).await.unwrap();
        assert!(watch.last_value("home/2").await.unwrap().is_some());
    });
}
