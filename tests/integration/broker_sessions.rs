//! The registry of sessions: its limit under concurrency, expiry, what is remembered of those that ended, goodbyes.

use crate::support::mosquitto::{Mosquitto, Options, free_port};
use crate::support::peers;
use async_std::task::block_on;
use bitsperity_mqtt_core::packet::QoS;
use bitsperity_mqtt_mcp::broker::handle::{Handle, State};
use bitsperity_mqtt_mcp::broker::report::{Listen, Retained, Wants};
use bitsperity_mqtt_mcp::broker::sessions::{EstablishError, NoSession, SessionInfo, Sessions};
use bitsperity_mqtt_mcp::config::target::Target;
use bitsperity_mqtt_mcp::config::{Limits, Policy};
use std::io::Read;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(10);

fn target(broker: &Mosquitto, client_id: &str) -> Target {
    Target::parse(&format!("{}/{client_id}", broker.url())).expect("a URL")
}

async fn open(sessions: &Sessions, target: Target) -> SessionInfo {
    match sessions.establish(target).await {
        Ok(info) => info,
        Err(EstablishError::NoSession(why)) => panic!("{why:?}"),
        Err(EstablishError::Broker(error)) => panic!("{error}"),
    }
}

fn ended(sessions: &Sessions, id: &str) -> NoSession {
    match sessions.get(id) {
        Ok(_) => panic!("still open"),
        Err(why) => why,
    }
}

#[test]
fn five_at_most_also_at_once() {
    let broker = Mosquitto::plain();
    let sessions = Sessions::new(&Limits::default(), &Policy::default());
    block_on(async {
        let trying = (0..12).map(|_| sessions.establish(target(&broker, "")));
        let results = futures::future::join_all(trying).await;
        let open: Vec<_> = results
            .iter()
            .filter_map(|result| result.as_ref().ok())
            .collect();
        assert_eq!(open.len(), 5);
        for result in &results {
            match result {
                Ok(_) => {}
                Err(EstablishError::NoSession(why)) => assert_eq!(*why, NoSession::TooMany(5)),
                Err(EstablishError::Broker(error)) => panic!("{error}"),
            }
        }
        assert_eq!(sessions.list().len(), 5);
        // A connection that fails gives its place back.
        let closed = sessions.close(&open[0].id).await.expect("open");
        assert_eq!(closed.status.state, State::Closed);
        let nobody = format!("mqtt://127.0.0.1:{}", free_port());
        let failed = sessions
            .establish(Target::parse(&nobody).expect("a URL"))
            .await;
        assert!(matches!(failed, Err(EstablishError::Broker(_))));
        self::open(&sessions, target(&broker, "")).await;
    });
}

#[test]
fn closed_once_and_told_so_twice() {
    let broker = Mosquitto::plain();
    let sessions = Sessions::new(&Limits::default(), &Policy::default());
    block_on(async {
        let info = open(&sessions, target(&broker, "closing")).await;
        let id = uuid::Uuid::parse_str(&info.id).expect("a UUID");
        assert_eq!(id.get_version_num(), 4);
        let handle = sessions.get(&info.id).expect("open");
        sessions.close(&info.id).await.expect("open");
        broker.wait_for_log("Client closing disconnected.");
        assert_eq!(ended(&sessions, &info.id), NoSession::Closed);
        assert_eq!(
            sessions.close(&info.id).await.err(),
            Some(NoSession::Closed)
        );
        assert!(handle.ping(PATIENCE).await.is_err());
        for unknown in ["", "x", "6f1c2f0e-7c0c-4b8e-9d53-000000000000"] {
            assert_eq!(ended(&sessions, unknown), NoSession::Unknown);
        }
    });
}

#[test]
fn expires_without_use_but_not_while_something_listens() {
    let broker = Mosquitto::plain();
    let limits = Limits {
        session_idle: 0.4,
        ..Limits::default()
    };
    let sessions = Sessions::new(&limits, &Policy::default());
    block_on(async {
        let idle = open(&sessions, target(&broker, "idle")).await;
        let used = open(&sessions, target(&broker, "used")).await;
        let handle = sessions.get(&used.id).expect("open");
        let listening = listen(&handle).await;
        // Nobody asks for it: it goes by itself.
        broker.wait_for_log("Client idle disconnected.");
        assert_eq!(ended(&sessions, &idle.id), NoSession::Expired(0));
        async_std::task::sleep(Duration::from_millis(600)).await;
        let listed: Vec<_> = sessions.list().into_iter().map(|info| info.id).collect();
        assert_eq!(listed, std::slice::from_ref(&used.id));
        drop(listening);
        drop(handle);
        broker.wait_for_log("Client used disconnected.");
        assert_eq!(ended(&sessions, &used.id), NoSession::Expired(0));
        // And the watch begins again with the next one.
        let next = open(&sessions, target(&broker, "next")).await;
        broker.wait_for_log("Client next disconnected.");
        assert_eq!(ended(&sessions, &next.id), NoSession::Expired(0));
    });
}

async fn listen(handle: &Handle) -> bitsperity_mqtt_mcp::broker::handle::Listening {
    let listen = Listen {
        filters: vec!["a/#".into()],
        qos: QoS::AtMostOnce,
        retained: Retained::Include,
        duration: Duration::from_secs(60),
        max_messages: None,
        until_quiet: None,
        wants: Wants::default(),
    };
    handle
        .listen(listen)
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn all_say_goodbye_within_the_budget() {
    let broker = Mosquitto::plain();
    let sessions = Sessions::new(&Limits::default(), &Policy::default());
    block_on(async {
        for n in 0..3 {
            open(&sessions, target(&broker, &format!("leaving{n}"))).await;
        }
        // One that takes nothing any more must not hold up the end.
        let port = peers::peer(|_, mut stream| {
            let _ = stream.read(&mut [0; 1024]);
            let _ = std::io::Write::write_all(&mut stream, &[0x20, 3, 0, 0, 0]);
            std::thread::sleep(PATIENCE);
        });
        let stuck = Target::parse(&format!("mqtt://127.0.0.1:{port}")).expect("a URL");
        open(&sessions, stuck).await;
        let begun = Instant::now();
        sessions.close_all(Duration::from_millis(900)).await;
        assert!(begun.elapsed() < PATIENCE / 2, "{:?}", begun.elapsed());
        assert!(sessions.list().is_empty());
    });
    for n in 0..3 {
        broker.wait_for_log(&format!("Client leaving{n} disconnected."));
    }
}

/// The password is opened for CONNECT only: it is on the wire, and nowhere that anybody looks.
#[test]
fn the_password_appears_nowhere() {
    let broker = Mosquitto::start(&Options {
        password: Some(("lena", "hunter2")),
        ..Options::default()
    });
    let (sender, written) = channel();
    let port = peers::peer(move |_, mut stream| {
        if let Some(connect) = peers::packet(&mut stream) {
            let _ = sender.send(connect);
        }
    });
    let sessions = Sessions::new(&Limits::default(), &Policy::default());
    block_on(async {
        let url = format!("mqtt://lena:hunter2@127.0.0.1:{}", broker.port);
        let info = open(&sessions, Target::parse(&url).expect("a URL")).await;
        let handle = sessions.get(&info.id).expect("open");
        let shown = format!("{info:?}{:?}{:?}", handle.status(), handle.established());
        assert!(
            !shown.contains("hunter2") && !shown.contains("lena"),
            "{shown}"
        );

        let url = format!("mqtt://lena:hunter2@127.0.0.1:{port}");
        let failed = sessions
            .establish(Target::parse(&url).expect("a URL"))
            .await;
        let Err(EstablishError::Broker(error)) = failed else {
            panic!("connected to nothing");
        };
        let shown = format!("{error} {error:?} {}", error.next_step());
        assert!(
            !shown.contains("hunter2") && !shown.contains("lena"),
            "{shown}"
        );
        let connect = written.recv_timeout(PATIENCE).expect("a CONNECT");
        assert!(
            connect.windows(7).any(|bytes| bytes == b"hunter2"),
            "the test sees the wire"
        );
    });
    assert!(!broker.log().contains("hunter2"));
}
