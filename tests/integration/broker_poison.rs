//! What a broker cannot bear costs only itself: messages and filters upon which it closes the connection, answers that
//! the standard does not list, a client id that is in use.

use crate::support::connection::{PATIENCE, connect_as, listen, listening, publish, until_counted};
use crate::support::mosquitto::{Mosquitto, Options};
use crate::support::peers;
use async_std::task::block_on;
use bitsperity_mqtt_core::packet::QoS;
use bitsperity_mqtt_mcp::broker::handle::{BrokerError, Publish};
use bitsperity_mqtt_mcp::broker::sessions::{EstablishError, Sessions};
use bitsperity_mqtt_mcp::config::target::{Protocol, Target};
use bitsperity_mqtt_mcp::config::{Limits, Policy};
use std::io::Write;
use std::sync::Mutex;

fn large(bytes: usize) -> Publish {
    Publish {
        topic: "plant/report".into(),
        payload: vec![b'z'; bytes],
        qos: QoS::AtLeastOnce,
        ..Publish::default()
    }
}

#[test]
fn a_message_upon_which_the_broker_closes_is_given_up_and_the_session_lives() {
    let broker = Mosquitto::start(&Options {
        config: "max_packet_size 5000",
        ..Options::default()
    });
    block_on(async {
        let handle = connect_as(&broker.url(), Protocol::V311).await;
        let listening = listening(&handle, listen("house/#")).await;
        for bytes in [8_000, 200_000] {
            let error = handle.publish(large(bytes), PATIENCE).await;
            let error = error.expect_err("too large");
            let size = format!("{} bytes", bytes + "plant/report".len());
            assert!(error.to_string().contains(&size), "{error}");
            assert_eq!(error.code(), "in_doubt");
            assert!(error.next_step().contains("Do not repeat"));
        }
        publish(&handle, "house/door", "open").await;
        until_counted(&listening, 1).await;
        let report = listening.report().await.expect("a report");
        let interruption = report.interruption.expect("one at least");
        assert!(interruption.now_connected, "{interruption:?}");
    });
}

#[test]
fn an_answer_that_is_not_listed_ends_what_it_answers() {
    let broker = Mosquitto::start(&Options {
        config: "message_size_limit 1000",
        ..Options::default()
    });
    block_on(async {
        let handle = connect_as(&broker.url(), Protocol::V5).await;
        let error = handle.publish(large(1_001), PATIENCE).await;
        let error = error.expect_err("too large");
        assert!(error.to_string().contains("0x95"), "{error}");
        assert!(
            error.next_step().contains("Send less"),
            "{}",
            error.next_step()
        );
        publish(&handle, "plant/report", "small").await;
        assert_eq!(handle.status().reconnects, 0);
    });
}

/// A broker of 3.1.1 that closes upon a SUBSCRIBE to `bad`; once told of that, it sends a message to whoever subscribes
/// to anything else.
fn closes_upon_bad() -> u16 {
    let closed = Mutex::new(0);
    peers::peer(move |_, mut stream| {
        while let Some(packet) = peers::packet(&mut stream) {
            let written = match packet[0] {
                0x10 => stream.write_all(&[0x20, 2, 0, 0]),
                0x82 if packet.ends_with(b"bad\0") => {
                    *closed.lock().expect("whole") += 1;
                    return;
                }
                0x82 => {
                    let mut answer = vec![0x90, 3, packet[2], packet[3], 0];
                    if *closed.lock().expect("whole") == 2 {
                        answer.extend_from_slice(b"\x30\x07\x00\x04goodx");
                    }
                    stream.write_all(&answer)
                }
                0xC0 => stream.write_all(&[0xD0, 0]),
                _ => Ok(()),
            };
            if written.is_err() {
                return;
            }
        }
    })
}

#[test]
fn a_filter_upon_which_the_broker_closes_fails_and_the_others_live() {
    let url = format!("mqtt://127.0.0.1:{}", closes_upon_bad());
    block_on(async {
        let handle = connect_as(&url, Protocol::V311).await;
        let good = listening(&handle, listen("good")).await;
        let error = handle.listen(listen("bad")).await.err().expect("closed");
        assert!(
            matches!(&error, BrokerError::SubscribeBreaks(filter) if filter == "bad"),
            "{error}"
        );
        assert_eq!(error.code(), "refused_by_broker");
        until_counted(&good, 1).await;
        let report = good.report().await.expect("a report");
        assert_eq!(report.stopped, None);
        assert_eq!(report.interruption.expect("two").times, 2);
    });
}

#[test]
fn a_broker_that_acknowledges_qos_2_as_1_is_believed() {
    let port = peers::peer(|_, mut stream| {
        while let Some(packet) = peers::packet(&mut stream) {
            let answer = match packet[0] {
                0x10 => vec![0x20, 2, 0, 0],
                // QoS 2 or 1, to a topic of one byte.
                0x34 | 0x32 => vec![0x40, 2, packet[5], packet[6]],
                _ => continue,
            };
            if stream.write_all(&answer).is_err() {
                return;
            }
        }
    });
    block_on(async {
        let handle = connect_as(&format!("mqtt://127.0.0.1:{port}"), Protocol::V311).await;
        for _ in 0..2 {
            let publish = Publish {
                topic: "t".into(),
                qos: QoS::ExactlyOnce,
                ..Publish::default()
            };
            let done = handle.publish(publish, PATIENCE).await;
            let done = done.unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(done.qos, QoS::AtLeastOnce);
        }
        assert_eq!(handle.status().reconnects, 0);
    });
}

#[test]
fn a_client_id_that_is_in_use_here_is_refused() {
    let (broker, other) = (Mosquitto::plain(), Mosquitto::plain());
    let sessions = Sessions::new(&Limits::default(), &Policy::default());
    let target = |broker: &Mosquitto, id: &str| {
        Target::parse(&format!("{}/{id}", broker.url())).expect("a URL")
    };
    block_on(async {
        let both = futures::join!(
            sessions.establish(target(&broker, "assistant")),
            sessions.establish(target(&broker, "assistant")),
        );
        let (info, refused) = match both {
            (Ok(info), Err(refused)) | (Err(refused), Ok(info)) => (info, refused),
            _ => panic!("one of two"),
        };
        let in_use = |error| {
            matches!(
                error,
                EstablishError::Broker(BrokerError::ClientIdInUse(..))
            )
        };
        assert!(in_use(refused));
        let Err(EstablishError::Broker(error)) =
            sessions.establish(target(&broker, "assistant")).await
        else {
            panic!("the id is in use");
        };
        assert!(error.to_string().contains(&info.id), "{error}");
        for free in [
            target(&broker, "another"),
            target(&broker, ""),
            target(&broker, ""),
        ] {
            assert!(sessions.establish(free).await.is_ok());
        }
        assert!(
            sessions
                .establish(target(&other, "assistant"))
                .await
                .is_ok()
        );
        sessions.close(&info.id).await.expect("open");
        let again = sessions.establish(target(&broker, "assistant")).await;
        assert!(again.is_ok());
    });
}
