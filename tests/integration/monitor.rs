//! The monitor over real connections: sessions, brokers, topics, devices, closing, the audit file.

use crate::support::connection::PATIENCE;
use crate::support::mosquitto::Mosquitto;
use async_std::task::{block_on, sleep};
use bitsperity_mqtt_mcp::app::App;
use bitsperity_mqtt_mcp::broker::audit::Audit;
use bitsperity_mqtt_mcp::broker::handle::Publish;
use bitsperity_mqtt_mcp::broker::sessions::Sessions;
use bitsperity_mqtt_mcp::config::target::Target;
use bitsperity_mqtt_mcp::config::{Config, Limits, Policy};
use bitsperity_mqtt_mcp::journal::{ClientId, Journal};
use bitsperity_mqtt_mcp::monitor::Monitor;
use bitsperity_mqtt_mcp::tools::State;
use http::Request;
use serde_json::{Value, json};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

struct House {
    broker: Mosquitto,
    monitor: Arc<Monitor>,
    sessions: Arc<Sessions>,
    session: String,
}

/// One assistant that watches all of a broker.
async fn house() -> House {
    let broker = Mosquitto::plain();
    let (journal, client) = (Journal::new(), ClientId(4));
    journal.client_came(client, "http");
    journal.client_named(client, "weaver", "3.1");
    let app = App::new(Arc::new(Config::default()), journal, Instant::now());
    let sessions = Arc::new(Sessions::new(&Limits::default(), &Policy::default()));
    app.client(client, &sessions, Weak::<State>::new());
    let target = Target::parse(&broker.url()).unwrap();
    let made = sessions
        .establish_watching(target, &["#".to_owned()], None)
        .await;
    let session = made.unwrap_or_else(|_| panic!("no session")).id;
    House {
        broker,
        monitor: Monitor::new(app),
        sessions,
        session,
    }
}

impl House {
    async fn ask(&self, method: &str, path: &str) -> (u16, Value) {
        let request = Request::builder().method(method).uri(path);
        let request = request.body(Vec::new()).unwrap();
        let response = self.monitor.respond(request, true).await;
        let body = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
        (response.status().as_u16(), body)
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask("GET", path).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// Asks until the answer is as wanted.
    async fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.get(path).await;
            if wanted(&answer) {
                return answer;
            }
            assert!(Instant::now() < deadline, "{path}: {answer:#}");
            sleep(Duration::from_millis(20)).await;
        }
    }
}

#[test]
fn sessions_topics_and_devices_are_shown_and_a_session_is_closed() {
    block_on(async {
        let house = house().await;
        house
            .broker
            .publish(&["-t", "attic/pump/status", "-r", "-m", "offline"]);
        house
            .broker
            .publish(&["-t", "attic/pump/flow", "-m", "{\"l_min\":2.5}"]);
        let heard = |sessions: &Value| sessions[0]["watch"]["messages"] == 2;
        let sessions = house.until("/api/sessions", heard).await;
        assert_eq!(sessions[0]["who"], "weaver 3.1");
        assert_eq!(sessions[0]["session_id"], json!(house.session));

        let brokers = house
            .until("/api/broker-status", |it| it[0]["messages"] == 2)
            .await;
        assert_eq!(
            (&brokers[0]["state"], &brokers[0]["watched"]),
            (&json!("connected"), &json!(1))
        );
        assert!(
            brokers[0]["minutes"].as_str().unwrap().ends_with('w'),
            "{brokers}"
        );

        let root = house.get("/api/topics").await;
        assert_eq!(
            (&root["rows"][0]["path"], &root["rows"][0]["topics"]),
            (&json!("attic/"), &json!(2))
        );
        let level = house
            .get("/api/topics?under=attic/pump/&filter=+/+/flow")
            .await;
        assert_eq!(level["rows"].as_array().unwrap().len(), 1, "{level}");
        let one = house.get("/api/topics?topic=attic/pump/flow").await;
        assert_eq!(one["value"]["json"], json!({"l_min": 2.5}));

        let devices = house
            .until("/api/devices", |it| it[0]["state"] == "offline")
            .await;
        assert!(
            devices[0]["findings"][0]["points"].as_u64() > Some(0),
            "{devices}"
        );
        assert_eq!(devices[0]["hours"].as_str().map(str::len), Some(24));
        let stats = house.get("/api/stats").await;
        assert_eq!(
            (&stats["topics"], &stats["assistants"][0]["who"]),
            (&json!(2), &json!("weaver 3.1"))
        );

        let path = format!("/api/sessions/{}", house.session);
        assert_eq!(house.ask("DELETE", &path).await.0, 204);
        assert_eq!(house.ask("DELETE", &path).await.0, 404);
        assert!(house.sessions.list().is_empty());
        assert_eq!(
            house
                .get("/api/devices")
                .await
                .as_array()
                .map(Vec::is_empty),
            Some(false),
            "as fresh as two seconds"
        );
        house
            .until("/api/devices", |it| {
                it.as_array().is_some_and(Vec::is_empty)
            })
            .await;
    });
}

#[test]
fn each_publication_leaves_a_line_whether_it_may_go_or_not() {
    let broker = Mosquitto::plain();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let policy = Policy {
        publish_deny: vec!["cellar/#".to_owned()],
        ..Policy::default()
    };
    let audit = Audit::new(path.clone());
    let sessions = Sessions::new(&Limits::default(), &policy).audited(Some(&audit), "http 9");
    block_on(async {
        let target = Target::parse(&broker.url()).unwrap();
        let made = sessions.establish(target).await;
        let id = made.unwrap_or_else(|_| panic!("no session")).id;
        let handle = sessions.get(&id).unwrap();
        for topic in ["attic/fan", "cellar/pump"] {
            let publish = Publish {
                topic: topic.to_owned(),
                payload: b"hunter2".to_vec(),
                ..Publish::default()
            };
            let went = handle.publish(publish, PATIENCE).await;
            assert_eq!(went.is_ok(), topic == "attic/fan");
        }
    });
    let text = std::fs::read_to_string(path).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let told: Vec<_> = lines
        .iter()
        .map(|line| (&line["topic"], &line["outcome"], &line["client"]))
        .collect();
    let client = json!("http 9");
    assert_eq!(
        told,
        [
            (&json!("attic/fan"), &json!("ok"), &client),
            (&json!("cellar/pump"), &json!("policy_denied"), &client)
        ]
    );
    assert!(!text.contains("hunter2"));
}
