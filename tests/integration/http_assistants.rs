//! One service, several assistants: none gets at another's captures; a person may end them.

use crate::support::mosquitto::Mosquitto;
use crate::support::service::Service;
use serde_json::{Value, json};

fn code(refused: &Value) -> &str {
    refused["error"]["code"]
        .as_str()
        .or(refused["code"].as_str())
        .unwrap_or_else(|| panic!("{refused}"))
}

fn establish(service: &Service, assistant: &str, broker: &Mosquitto) -> Value {
    service.call(
        assistant,
        "establish_connection",
        json!({"connection_string": broker.url()}),
    )
}

#[test]
fn a_capture_is_its_assistants_and_a_person_may_end_it() {
    let broker = Mosquitto::plain();
    let service = Service::start(&["--set", "call_limit=1", "--set", "max_captures=1"]);
    let [one, other] = [(); 2].map(|()| service.initialize("2025-11-25"));
    let begin = |assistant: &str| {
        let made = establish(&service, assistant, &broker);
        broker.publish(&["-t", "dock/crane", "-m", "7", "-r"]);
        let arguments =
            json!({"session_id": made["session_id"], "topic": "dock/#", "duration": 250});
        let begun = service.call(assistant, "subscribe_and_collect", arguments);
        assert_eq!(begun["status"], "running", "{begun}");
        begun["capture_id"].as_str().unwrap().to_owned()
    };
    // The limit of one capture is for each.
    let [mine, theirs] = [&one, &other].map(|assistant| begin(assistant));
    let asked = json!({"capture_id": mine});
    let refused = service.call(&other, "subscribe_and_collect", asked.clone());
    assert_eq!(code(&refused), "unknown_capture");
    let list = || service.request("GET", "/api/captures", &[], "").json();
    let shown = list();
    let ids: Vec<_> = shown
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["capture_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, [&mine, &theirs]);
    assert_eq!(
        (&shown[0]["who"], &shown[0]["filters"]),
        (&json!("tester 1"), &json!(["dock/#"]))
    );
    let end = |id: &str| {
        service
            .request("DELETE", &format!("/api/captures/{id}"), &[], "")
            .status
    };
    assert_eq!(end(&mine), 204);
    // Nothing is lost of what it has heard.
    let ended = service.call(&one, "subscribe_and_collect", asked);
    assert_eq!(
        (&ended["status"], &ended["stop_reason"]),
        (&json!("complete"), &json!("cancelled")),
        "{ended}"
    );
    assert!(
        ended["summary"]["received"].as_u64().unwrap() >= 1,
        "{ended}"
    );
    assert_eq!(list().as_array().unwrap().len(), 1);
    assert_eq!(end(&mine), 404);
    let unknown = service.raw(
        format!(
            "DELETE /api/captures/{theirs} HTTP/1.1\r\nhost: {}\r\n\r\n",
            service.address
        )
        .as_bytes(),
    );
    assert_eq!(unknown.unwrap().status, 401);
}
