//! Following resources: `resources/subscribe` in the legacy era, `subscriptions/listen` in the modern one.

use crate::support::Client;
use crate::support::client::{SOON, enveloped};
use crate::support::mosquitto::Mosquitto;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const ID: &str = "io.modelcontextprotocol/subscriptionId";

/// Longer than a change takes to be told.
const A_WHILE: Duration = Duration::from_millis(1_200);

fn topic(session: &str, topic: &str) -> String {
    format!("mqtt://{session}/topic/{topic}")
}

/// Sends `subscriptions/listen` under an id of any type; gives the acknowledgement.
fn listen(client: &mut Client, id: &Value, notifications: Value) -> Value {
    let params = enveloped(json!({"notifications": notifications}));
    client.send(
        &json!({"jsonrpc": "2.0", "id": id, "method": "subscriptions/listen", "params": params}),
    );
    let acknowledged = client.next();
    assert_eq!(
        acknowledged["method"],
        "notifications/subscriptions/acknowledged"
    );
    assert_eq!(&acknowledged["params"]["_meta"][ID], id);
    acknowledged["params"]["notifications"].clone()
}

fn cancel(client: &mut Client, id: &Value) {
    let params = json!({"requestId": id});
    client.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}));
}

/// Subscriptions that the session's connection has in use.
fn in_use(client: &mut Client) -> u64 {
    let listed = client.call("list_active_connections", json!({}));
    listed["structuredContent"]["sessions"][0]["subscriptions"]
        .as_u64()
        .unwrap()
}

fn wait_until_free(client: &mut Client) {
    let deadline = Instant::now() + SOON;
    while in_use(client) > 0 {
        assert!(Instant::now() < deadline, "a subscription is not freed");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn updated(message: &Value, uri: &str) {
    assert_eq!(
        message["method"], "notifications/resources/updated",
        "{message}"
    );
    assert_eq!(message["params"]["uri"], uri);
}

#[test]
fn a_legacy_subscriber_is_told_of_each_change_until_it_unsubscribes() {
    let broker = Mosquitto::plain();
    let mut client = Client::legacy("2025-06-18");
    let session = client.establish(&broker.url());
    let uri = topic(&session, "a/b%20c");
    assert_eq!(
        client.ask("resources/subscribe", json!({"uri": uri})),
        json!({})
    );
    assert_eq!(in_use(&mut client), 1);
    for value in ["1", "2"] {
        broker.publish(&["-t", "a/b c", "-m", value]);
        let message = client.next();
        updated(&message, &uri);
        assert!(message["params"].get("_meta").is_none());
        // What was told of is what is read, though nothing is retained.
        let read = client.ask("resources/read", json!({"uri": uri}));
        let read: Value =
            serde_json::from_str(read["contents"][0]["text"].as_str().unwrap()).unwrap();
        assert_eq!(read["payload"].to_string(), value);
        assert_eq!(read["retained"], false);
    }
    assert_eq!(
        client.ask("resources/unsubscribe", json!({"uri": uri})),
        json!({})
    );
    wait_until_free(&mut client);
    broker.publish(&["-t", "a/b c", "-m", "3"]);
    assert!(client.next_within(A_WHILE).is_none());
    // Twice is as once.
    assert_eq!(
        client.ask("resources/unsubscribe", json!({"uri": uri})),
        json!({})
    );
}

#[test]
fn a_flood_is_told_at_most_twice_a_second() {
    let broker = Mosquitto::plain();
    let mut client = Client::legacy("2025-11-25");
    let session = client.establish(&broker.url());
    let uri = topic(&session, "flood");
    client.ask("resources/subscribe", json!({"uri": uri}));
    let began = Instant::now();
    let mut publisher = broker.publisher(&["-t", "flood"]);
    let mut told = 0;
    while began.elapsed() < Duration::from_secs(2) {
        (0..50).for_each(|n| publisher.line(&n.to_string()));
        if let Some(message) = client.next_within(Duration::from_millis(10)) {
            updated(&message, &uri);
            told += 1;
        }
    }
    let most = began.elapsed().as_millis() / 500 + 1;
    assert!(
        (2..=most).contains(&told),
        "{told} times in {:?}",
        began.elapsed()
    );
}

#[test]
fn a_modern_listener_is_acknowledged_first_and_told_under_its_own_id() {
    let broker = Mosquitto::plain();
    let mut client = Client::legacy("2025-11-25");
    let session = client.establish(&broker.url());
    let (one, two) = (topic(&session, "one"), topic(&session, "two"));
    // The ids differ in type only, and one of them wants more than there is.
    let all = json!({
        "resourceSubscriptions": [one, "mqtt://nothing", topic(&session, "a/%23")],
        "toolsListChanged": true, "promptsListChanged": true, "resourcesListChanged": true,
    });
    let honoured = listen(&mut client, &json!(7), all);
    assert_eq!(honoured, json!({"resourceSubscriptions": [one]}));
    let honoured = listen(
        &mut client,
        &json!("7"),
        json!({"resourceSubscriptions": [two, two, one]}),
    );
    assert_eq!(
        honoured["resourceSubscriptions"].as_array().unwrap().len(),
        2
    );
    assert_eq!(in_use(&mut client), 2, "two who follow a topic share it");
    broker.publish(&["-t", "two", "-m", "x"]);
    let message = client.next();
    updated(&message, &two);
    assert_eq!(message["params"]["_meta"][ID], "7");
    broker.publish(&["-t", "one", "-m", "x"]);
    let mut told: Vec<Value> = (0..2).map(|_| client.next()).collect();
    told.sort_by_key(|message| message["params"]["_meta"][ID].is_string());
    assert_eq!(told[0]["params"]["_meta"][ID], 7);
    assert_eq!(told[1]["params"]["_meta"][ID], "7");
    told.iter().for_each(|message| updated(message, &one));
    // Cancelled, one falls silent without a reply; the other goes on.
    cancel(&mut client, &json!(7));
    client.ask("ping", json!({}));
    broker.publish(&["-t", "one", "-m", "y"]);
    assert_eq!(client.next()["params"]["_meta"][ID], "7");
    cancel(&mut client, &json!("7"));
    wait_until_free(&mut client);
    broker.publish(&["-t", "one", "-m", "z"]);
    assert!(client.next_within(A_WHILE).is_none());
}

#[test]
fn a_listener_to_what_never_happens_is_acknowledged_and_stays() {
    let mut client = Client::start(&[]);
    let nothing = listen(&mut client, &json!("l"), json!({"toolsListChanged": true}));
    assert_eq!(nothing, json!({}));
    assert!(client.next_within(A_WHILE).is_none());
    let refused = client.ask_wrongly("subscriptions/listen", enveloped(json!({})));
    assert_eq!(refused["code"], -32602);
    let wrong = json!({"notifications": {"resourceSubscriptions": [7]}});
    let refused = client.ask_wrongly("subscriptions/listen", enveloped(wrong));
    assert_eq!(refused["code"], -32602);
    // Gracefully ended with the process.
    client.end_input();
    let end = client.reply(&json!("l"));
    assert_eq!(end["result"]["_meta"][ID], "l");
    assert!(client.wait(SOON).success());
}

#[test]
fn the_end_of_a_session_is_told_and_ends_its_listeners() {
    let broker = Mosquitto::plain();
    let mut client = Client::legacy("2025-11-25");
    let session = client.establish(&broker.url());
    let status = format!("mqtt://{session}/status");
    let uris = json!([
        status,
        topic(&session, "a"),
        format!("mqtt://{session}/topics")
    ]);
    listen(
        &mut client,
        &json!("l"),
        json!({"resourceSubscriptions": uris}),
    );
    client.ask("resources/subscribe", json!({"uri": "mqtt://sessions"}));
    client.call("close_connection", json!({"session_id": session}));
    let reply = client.reply(&json!("l"));
    assert_eq!(reply["result"]["_meta"][ID], "l");
    let mut told = client.others();
    while told.len() < 4 {
        told.push(client.next());
    }
    let mut told: Vec<_> = told
        .iter()
        .map(|it| it["params"]["uri"].as_str().unwrap())
        .collect();
    told.sort_unstable();
    let mut expected: Vec<_> = uris
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it.as_str().unwrap())
        .collect();
    expected.push("mqtt://sessions");
    expected.sort_unstable();
    assert_eq!(told, expected);
}

#[test]
fn a_lost_and_found_connection_changes_the_status() {
    let mut broker = Mosquitto::plain();
    let mut client = Client::legacy("2025-11-25");
    let session = client.establish(&broker.url());
    let status = format!("mqtt://{session}/status");
    client.ask("resources/subscribe", json!({"uri": status}));
    assert!(client.next_within(A_WHILE).is_none(), "told of nothing");
    broker.kill();
    updated(&client.next(), &status);
    broker.run();
    updated(&client.next(), &status);
}

#[test]
fn what_is_followed_is_bounded_and_a_missing_resource_is_refused() {
    let broker = Mosquitto::plain();
    let mut client = Client::legacy("2025-11-25");
    let session = client.establish(&broker.url());
    for n in 0..32 {
        client.ask(
            "resources/subscribe",
            json!({"uri": topic(&session, &n.to_string())}),
        );
    }
    let refused = client.ask_wrongly("resources/subscribe", json!({"uri": "mqtt://sessions"}));
    assert!(
        refused["message"].as_str().unwrap().contains("32"),
        "{refused}"
    );
    client.ask(
        "resources/unsubscribe",
        json!({"uri": topic(&session, "0")}),
    );
    let deadline = Instant::now() + SOON;
    let missing = loop {
        let uri = json!({"uri": "mqtt://nothing"});
        let refused = client.ask_wrongly("resources/subscribe", uri);
        if refused["code"] == -32002 {
            break refused;
        }
        assert!(
            Instant::now() < deadline,
            "the place does not come back: {refused}"
        );
    };
    assert_eq!(missing["data"]["uri"], "mqtt://nothing");
    client.ask("resources/subscribe", json!({"uri": "mqtt://sessions"}));
}

#[test]
fn the_end_of_input_frees_all() {
    let broker = Mosquitto::plain();
    let mut client = Client::legacy("2025-11-25");
    let session = client.establish(&broker.url());
    client.ask("resources/subscribe", json!({"uri": topic(&session, "a")}));
    listen(
        &mut client,
        &json!(1_000),
        json!({"resourceSubscriptions": [topic(&session, "b")]}),
    );
    let began = Instant::now();
    client.end_input();
    assert!(client.wait(SOON).success());
    assert!(began.elapsed() < SOON / 2, "{:?}", began.elapsed());
    broker.wait_for_log("disconnected");
}
