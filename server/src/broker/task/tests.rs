//! A task that panics: whoever waits is answered, and nobody takes the session for one that lives.

use crate::broker::error::BrokerError;
use crate::broker::handle::{Handle, Publish, State};
use crate::broker::report::{Listen, Retained, Wants};
use crate::broker::sessions::{EstablishError, Sessions};
use crate::config::target::{Protocol, Target};
use crate::config::{Limits, Policy};
use async_std::task::block_on;
use bitsperity_mqtt_core::packet::QoS;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc;
use std::time::Duration;

/// The topic of a message, or the client id of a first connection, that the tests' tasks panic upon.
const FATAL: &str = "test/fatal";

const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn fail_upon(name: &str) {
    assert!(name != FATAL, "as the test wants it");
}

/// A broker of 3.1.1 for one connection that answers CONNECT and SUBSCRIBE; once told, and once it has read a PUBLISH
/// and a PINGREQ, which it does not answer, it sends the message.
fn broker(go: mpsc::Receiver<()>) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let port = listener.local_addr().expect("its address").port();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let (mut published, mut pinged) = (false, false);
        while !(published && pinged) {
            let mut head = [0; 2];
            stream.read_exact(&mut head).expect("a packet");
            let mut body = vec![0; usize::from(head[1])];
            stream.read_exact(&mut body).expect("all of it");
            let answer = match head[0] {
                0x10 => vec![0x20, 2, 0, 0],
                0x82 => vec![0x90, 3, body[0], body[1], 0],
                0x32 => {
                    published = true;
                    Vec::new()
                }
                0xC0 => {
                    pinged = true;
                    Vec::new()
                }
                other => panic!("packet {other:02x}"),
            };
            stream.write_all(&answer).expect("written");
        }
        go.recv().expect("the word");
        let length = u8::try_from(FATAL.len()).expect("short");
        let mut packet = vec![0x30, length + 2, 0, length];
        packet.extend_from_slice(FATAL.as_bytes());
        stream.write_all(&packet).expect("written");
        let _ = stream.read_to_end(&mut Vec::new());
    });
    port
}

fn listen() -> Listen {
    Listen {
        filters: vec!["test/#".into()],
        qos: QoS::AtMostOnce,
        retained: Retained::Include,
        duration: PATIENCE,
        max_messages: None,
        until_quiet: None,
        wants: Wants::default(),
    }
}

fn failed<T>(result: Result<T, BrokerError>) {
    let error = result.err().expect("an error");
    assert_eq!(error.code(), "session_failed", "{error}");
    assert!(error.next_step().contains("establish_connection"));
}

#[test]
fn everybody_who_waits_for_a_task_that_panics_is_answered() {
    let (word, go) = mpsc::channel();
    let port = broker(go);
    block_on(async {
        let target = Target {
            protocol: Protocol::V311,
            ..Target::parse(&format!("mqtt://127.0.0.1:{port}")).expect("a URL")
        };
        let connected = Handle::connect(target, &Limits::default()).await;
        let (handle, _) = connected.unwrap_or_else(|error| panic!("{error}"));
        let listening = handle.listen(listen()).await;
        let listening = listening.unwrap_or_else(|error| panic!("{error}"));
        let publish = Publish {
            topic: "a".into(),
            qos: QoS::AtLeastOnce,
            ..Publish::default()
        };
        let waiting = async {
            futures::join!(
                handle.publish(publish, PATIENCE),
                handle.ping(PATIENCE),
                listening.stopped(),
                async { word.send(()).expect("a broker") },
            )
        };
        let (published, pinged, (), ()) = waiting.await;
        failed(published);
        failed(pinged);
        failed(listening.report().await);
        failed(handle.ping(PATIENCE).await);
        failed(handle.listen(listen()).await);
        handle.close(PATIENCE).await;
        let status = handle.status();
        assert_eq!((status.state, status.subscriptions), (State::Lost, 0));
        let told = status.last_error.expect("a reason");
        assert!(told.contains("internal fault"), "{told}");
    });
}

#[test]
fn who_connects_by_a_task_that_panics_is_answered() {
    let (_word, go) = mpsc::channel();
    let port = broker(go);
    block_on(async {
        let target = Target {
            protocol: Protocol::V311,
            client_id: FATAL.into(),
            ..Target::parse(&format!("mqtt://127.0.0.1:{port}")).expect("a URL")
        };
        let sessions = Sessions::new(&Limits::default(), &Policy::default());
        let Err(EstablishError::Broker(error)) = sessions.establish(target).await else {
            panic!("connected by nothing");
        };
        failed::<()>(Err(error));
        // Its place is free again, and nothing of it is listed.
        assert!(sessions.list().is_empty());
    });
}

#[test]
fn a_session_that_failed_is_listed_as_failed() {
    let (word, go) = mpsc::channel();
    let port = broker(go);
    block_on(async {
        let target = Target {
            protocol: Protocol::V311,
            ..Target::parse(&format!("mqtt://127.0.0.1:{port}")).expect("a URL")
        };
        let sessions = Sessions::new(&Limits::default(), &Policy::default());
        let info = sessions.establish(target).await.ok().expect("a session");
        let handle = sessions.get(&info.id).expect("open");
        let listening = handle.listen(listen()).await;
        let listening = listening.unwrap_or_else(|error| panic!("{error}"));
        word.send(()).expect("a broker");
        let publish = Publish {
            topic: "a".into(),
            qos: QoS::AtLeastOnce,
            ..Publish::default()
        };
        let (published, pinged, ()) = futures::join!(
            handle.publish(publish, PATIENCE),
            handle.ping(PATIENCE),
            listening.stopped(),
        );
        failed(published);
        failed(pinged);
        let list = sessions.list();
        let [listed] = list.as_slice() else {
            panic!("{list:?}");
        };
        assert_eq!(listed.id, info.id);
        assert!(listed.status.failed);
        assert_eq!(listed.status.state, State::Lost);
        sessions.close(&info.id).await.expect("it can be closed");
        assert!(sessions.list().is_empty());
    });
}
