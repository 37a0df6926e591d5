//! What the service watches from its start: for every assistant, without a session of its own, for as long as it lives.

use crate::support::client::SOON;
use crate::support::mosquitto::{Mosquitto, free_port};
use crate::support::service::Service;
use serde_json::{Value, json};
use std::fs;
use std::sync::Arc;
use std::time::Instant;

/// A service that records `barn` and, where nobody listens, `ruin`.
fn service(broker: &Mosquitto) -> (Service, String) {
    let home = Arc::new(tempfile::tempdir().unwrap());
    let file = home.path().join("config.toml");
    let url = broker.url();
    let ruin = free_port();
    let text = format!(
        "[brokers.barn]\nurl = \"{url}\"\nclient_id = \"keeper\"\n[brokers.ruin]\nurl = \"mqtt://127.0.0.1:{ruin}\"\n\
         [[record]]\nbroker = \"barn\"\nfilters = [\"herd/#\"]\n[[record]]\nbroker = \"ruin\"\n"
    );
    fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap().to_owned();
    (Service::start_in(&home, &["--config", &file], &[]), file)
}

/// Asks until it is so.
fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + SOON;
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}");
    }
}

fn get(service: &Service, path: &str) -> Value {
    let answer = service.request("GET", path, &[], "");
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.json()
}

/// How a recorded broker stands, by the word of `ping`.
fn stands(service: &Service, session: &str, broker: &str) -> Value {
    let pong = service.call(session, "ping", json!({}));
    let all = pong["watched_from_the_start"].as_array().cloned();
    let mut all = all.unwrap_or_default().into_iter();
    all.find(|it| it["broker"] == broker)
        .unwrap_or_else(|| panic!("{pong}"))
}

#[test]
fn every_assistant_hears_what_the_service_has_watched() {
    let broker = Mosquitto::plain();
    let (service, _) = service(&broker);
    let [one, other] = [(); 2].map(|()| service.initialize("2025-11-25"));
    until("barn is watched", || {
        (stands(&service, &one, "barn")["state"] == "connected").then_some(())
    });
    broker.publish(&["-t", "herd/bella/milk", "-m", "11.5"]);
    broker.publish(&["-t", "tractor", "-m", "off"]);
    let asked = json!({"session_id": "barn", "topic": "herd/#", "since": "session"});
    let topics = until("the message is known", || {
        let topics = service.call(&one, "list_topics", asked.clone());
        (topics["topics"][0]["topic"] == "herd/bella/milk").then_some(topics)
    });
    assert_eq!(topics["topics"].as_array().unwrap().len(), 1, "{topics}");
    assert_eq!(
        service.call(&other, "list_topics", asked.clone())["topics"][0]["topic"],
        "herd/bella/milk"
    );
    // Nobody has opened anything for it.
    let open = service.call(&one, "list_active_connections", json!({}));
    assert_eq!(open["sessions"], json!([]));
    assert_eq!(open["watched_from_the_start"][0]["messages"], 1, "{open}");
    // A session of its own that watches nothing is no obstacle, nor is the client id that both have.
    let made = service.call(
        &one,
        "establish_connection",
        json!({"connection_string": "barn"}),
    );
    let own = json!({"session_id": made["session_id"], "topic": "herd/#", "since": "session"});
    assert_eq!(
        service.call(&one, "list_topics", own)["topics"][0]["topic"],
        "herd/bella/milk"
    );
    assert_eq!(stands(&service, &one, "barn")["state"], "connected");
    let wider = json!({"session_id": "barn", "since": "session"});
    let refused = service.call(&one, "list_topics", wider);
    assert!(refused.to_string().contains("herd/#"), "{refused}");
}

#[test]
fn what_is_recorded_is_shown_and_cannot_be_closed() {
    let broker = Mosquitto::plain();
    let (service, file) = service(&broker);
    let session = service.initialize("2025-11-25");
    until("barn is watched", || {
        (stands(&service, &session, "barn")["state"] == "connected").then_some(())
    });
    let sessions = get(&service, "/api/sessions");
    assert_eq!(sessions[0]["recorded"], true, "{sessions}");
    let path = format!(
        "/api/sessions/{}",
        sessions[0]["session_id"].as_str().unwrap()
    );
    let refused = service.request("DELETE", &path, &[], "");
    assert_eq!(
        (refused.status, &refused.json()["error"]["code"]),
        (409, &json!("recorded"))
    );
    let brokers = get(&service, "/api/broker-status");
    assert_eq!(
        (&brokers[0]["name"], &brokers[0]["recorded"]),
        (&json!("barn"), &json!(true))
    );
    // The one that nobody answers for is said everywhere, and nothing else suffers.
    let why = until("ruin is away", || {
        stands(&service, &session, "ruin")["last_error"]
            .as_str()
            .map(str::to_owned)
    });
    assert!(why.contains("127.0.0.1"), "{why}");
    let ruin = until("its break is noted", || {
        let brokers = get(&service, "/api/broker-status");
        (brokers[1]["breaks"][0].is_object()).then(|| brokers[1].clone())
    });
    assert_eq!(ruin["state"], "away", "{ruin}");
    let health = get(&service, "/health");
    assert_eq!(
        (&health["status"], &health["reason"]),
        (&json!("degraded"), &json!("ruin is away"))
    );
    let asked = json!({"session_id": "ruin", "since": "session"});
    let refused = service.call(&session, "list_topics", asked);
    assert!(
        refused.to_string().contains("not reached it yet"),
        "{refused}"
    );
    let shown = crate::support::client::run(&["config", "show", "--config", &file], &[]).1;
    assert!(
        shown.contains("[[record]]") && shown.contains("filters = [\"herd/#\"]"),
        "{shown}"
    );
}

#[test]
fn a_broker_that_was_away_goes_on_being_watched_and_remembers() {
    let mut broker = Mosquitto::plain();
    let (service, _) = service(&broker);
    let session = service.initialize("2025-11-25");
    let state = |wanted: &str| {
        until(wanted, || {
            (stands(&service, &session, "barn")["state"] == wanted).then_some(())
        });
    };
    state("connected");
    broker.publish(&["-t", "herd/bella/milk", "-m", "11.5"]);
    let known = |topic: &str| {
        let asked = json!({"session_id": "barn", "topic": topic, "since": "session"});
        until(topic, || {
            let topics = service.call(&session, "list_topics", asked.clone());
            (topics["topics"][0]["topic"] == topic).then_some(())
        });
    };
    known("herd/bella/milk");
    broker.kill();
    state("away");
    broker.run();
    state("connected");
    broker.publish(&["-t", "herd/rosa/milk", "-m", "9"]);
    known("herd/rosa/milk");
    known("herd/bella/milk");
}
