//! One service, several assistants: what they share, where the policy wants it, and what they do not.

use crate::support::mosquitto::Mosquitto;
use crate::support::service::Service;
use serde_json::{Value, json};
use std::fs;
use std::sync::Arc;

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

#[test]
fn where_the_policy_says_so_a_broker_by_name_is_one_connection_for_all() {
    let broker = Mosquitto::plain();
    let url = format!("brokers.dock.url={}", broker.url());
    let home = Arc::new(tempfile::tempdir().unwrap());
    let audit = home.path().join("audit.log");
    let noted = format!("audit_file={}", audit.display());
    let settings = [
        "--set",
        &url,
        "--set",
        "share_connections=true",
        "--set",
        &noted,
        "--set",
        "record.dock=#",
    ];
    let service = Service::start_in(&home, &settings, &[]);
    let [one, other] = [(); 2].map(|()| service.initialize("2025-11-25"));
    let publish = |assistant: &str| {
        let arguments = json!({"session_id": "dock", "topic": "dock/crane", "payload": "7"});
        let done = service.call(assistant, "publish_message", arguments);
        assert!(done.get("code").is_none(), "{done}");
    };
    publish(&one);
    publish(&other);
    let shared = |assistant: &str| {
        service.call(assistant, "list_active_connections", json!({}))["shared"].clone()
    };
    let mine = shared(&one);
    assert_eq!(mine.as_array().unwrap().len(), 1, "{mine}");
    assert_eq!(mine[0]["session_id"], shared(&other)[0]["session_id"]);
    assert_eq!(mine[0]["messages_out"], 2);
    // Each is noted by its own name.
    let lines = fs::read_to_string(&audit).unwrap();
    assert!(
        lines.contains("http 1") && lines.contains("http 2"),
        "{lines}"
    );
    // By its id, too; closing is nobody's, and what the service watches is still asked by the name.
    let by_id = json!({"session_id": mine[0]["session_id"], "topic": "dock/#", "duration": 1});
    assert!(
        service
            .call(&other, "list_topics", by_id)
            .get("code")
            .is_none()
    );
    for given in [&mine[0]["session_id"], &json!("dock")] {
        let refused = service.call(&one, "close_connection", json!({"session_id": given}));
        assert_eq!(code(&refused), "policy_denied");
    }
    let watched = json!({"session_id": "dock", "since": "session"});
    assert_eq!(
        service.call(&one, "list_topics", watched)["status"],
        "complete"
    );
    // It goes on without the one who began it; a session of one's own is possible beside it.
    service.request("DELETE", "/mcp", &[("mcp-session-id", &one)], "");
    publish(&other);
    let own = service.call(
        &other,
        "establish_connection",
        json!({"connection_string": "dock"}),
    );
    assert_ne!(own["session_id"], mine[0]["session_id"]);
    let whose = service.request("GET", "/api/sessions", &[], "").json();
    let whose: Vec<_> = whose
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["who"].as_str().unwrap())
        .collect();
    assert_eq!(whose, ["this service", "all assistants", "tester 1"]);
}
