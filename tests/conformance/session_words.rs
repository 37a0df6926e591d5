//! Packets, events, messages and errors as the words of the scripts.

use bitsperity_mqtt_core::packet::{
    Ack, Auth, ConnAck, Connect, Delivery, Disconnect, Packet, PacketId, Properties, Property,
    Publish, QoS, Reason, RetainHandling, SubAck, UnsubAck, Version,
};
use bitsperity_mqtt_core::session::{
    Event, Grants, Message, Outcome, Oversized, SessionError, SubscriptionSet,
};
use core::fmt::{Debug, Write};

pub(super) fn hex(word: &str) -> u8 {
    u8::from_str_radix(word, 16).unwrap_or_else(|_| panic!("{word} is no hex byte"))
}

pub(super) fn qos(word: &str) -> QoS {
    match word {
        "q0" => QoS::AtMostOnce,
        "q1" => QoS::AtLeastOnce,
        "q2" => QoS::ExactlyOnce,
        other => panic!("{other} is no QoS"),
    }
}

fn id(word: &str) -> PacketId {
    PacketId::new(word.parse().unwrap()).unwrap()
}

/// The `name=value` words that are properties.
pub(super) fn properties<'t>(words: &[&'t str]) -> Vec<Property<'t>> {
    words.iter().filter_map(|word| property(word)).collect()
}

fn property(word: &str) -> Option<Property<'_>> {
    let (name, value) = word.split_once('=')?;
    let number = || value.parse::<u32>().unwrap();
    let short = || value.parse::<u16>().unwrap();
    Some(match name {
        "receive" => Property::ReceiveMaximum(short()),
        "qos" => Property::MaximumQoS(value.parse().unwrap()),
        "retain" => Property::RetainAvailable(value == "1"),
        "maximum" => Property::MaximumPacketSize(number()),
        "aliases" => Property::TopicAliasMaximum(short()),
        "wildcard" => Property::WildcardSubscriptionAvailable(value == "1"),
        "identifiers" => Property::SubscriptionIdentifierAvailable(value == "1"),
        "shared" => Property::SharedSubscriptionAvailable(value == "1"),
        "keep_alive" => Property::ServerKeepAlive(short()),
        "expiry" => Property::SessionExpiryInterval(number()),
        "assigned" => Property::AssignedClientIdentifier(value),
        "reason" => Property::ReasonString(value),
        "reference" => Property::ServerReference(value),
        "id" => Property::SubscriptionIdentifier(number()),
        "alias" => Property::TopicAlias(short()),
        "type" => Property::ContentType(value),
        _ => return None,
    })
}

/// The bytes of a packet from the broker.
pub(super) fn received(line: &str, version: Version) -> Vec<u8> {
    let words: Vec<&str> = line.split_whitespace().collect();
    if words[0] == "hex" {
        return words[1..].iter().map(|word| hex(word)).collect();
    }
    let found = properties(&words[1..]);
    let properties = match version {
        Version::V311 => Properties::NONE,
        Version::V5 => Properties::list(&found),
    };
    let code = |at: usize| {
        Reason(
            words
                .get(at)
                .filter(|w| !w.contains('='))
                .map_or(0, |w| hex(w)),
        )
    };
    let ack = || Ack {
        packet_id: id(words[1]),
        reason: code(2),
        properties,
    };
    let codes = match words[0] {
        "suback" | "unsuback" => [code(2).0],
        _ => [0],
    };
    let mut payload = String::new();
    let packet = match words[0] {
        "connack" => Packet::ConnAck(ConnAck {
            session_present: words.contains(&"present"),
            reason: words
                .iter()
                .find_map(|w| w.strip_prefix("code="))
                .map_or(Reason(0), |w| Reason(hex(w))),
            properties,
        }),
        "publish" => {
            let delivery = match words[2] {
                "q0" => Delivery::AtMostOnce,
                "q1" => Delivery::AtLeastOnce(id(words[1])),
                _ => Delivery::ExactlyOnce(id(words[1])),
            };
            let (count, byte) = words[4].split_once('*').unwrap_or(("1", words[4]));
            payload = byte.repeat(count.parse().unwrap());
            Packet::Publish(Publish {
                dup: words.contains(&"dup"),
                delivery,
                retain: words.contains(&"retain"),
                topic: words[3].trim_matches('\'').into(),
                properties,
                payload: payload.as_bytes(),
            })
        }
        "puback" => Packet::PubAck(ack()),
        "pubrec" => Packet::PubRec(ack()),
        "pubrel" => Packet::PubRel(ack()),
        "pubcomp" => Packet::PubComp(ack()),
        "suback" => Packet::SubAck(SubAck {
            packet_id: id(words[1]),
            properties,
            codes: &codes,
        }),
        "unsuback" => Packet::UnsubAck(UnsubAck {
            packet_id: id(words[1]),
            properties,
            codes: if version == Version::V5 { &codes } else { &[] },
        }),
        "pingreq" => Packet::PingReq,
        "pingresp" => Packet::PingResp,
        "disconnect" => Packet::Disconnect(Disconnect {
            reason: code(1),
            properties,
        }),
        "auth" => Packet::Auth(Auth {
            reason: code(1),
            properties: Properties::list(&[Property::AuthenticationMethod("m")]),
        }),
        other => panic!("no packet {other}"),
    };
    let mut bytes = vec![0; payload.len() + 2_000];
    let length = packet
        .encode(version, &mut bytes)
        .expect("the script's packet");
    bytes.truncate(length);
    bytes
}

fn text(payload: &[u8]) -> String {
    match str::from_utf8(payload) {
        Ok(text) if text.len() > 40 => format!("{}bytes", text.len()),
        Ok(text) => text.to_owned(),
        Err(_) => format!("{payload:02x?}"),
    }
}

/// Ours say no more than they must: neither Reason String nor User Property, which could make them larger than the
/// broker takes: MQTT-3.4.2-2, MQTT-3.4.2-3, MQTT-3.5.2-2, MQTT-3.5.2-3, MQTT-3.6.2-2, MQTT-3.6.2-3, MQTT-3.7.2-2,
/// MQTT-3.7.2-3, all of v5.
fn ack(name: &str, ack: &Ack<'_>) -> String {
    assert!(ack.properties.is_empty());
    let mut line = format!("{name} {}", ack.packet_id.get());
    if ack.reason != Reason::SUCCESS {
        write!(line, " {:02x}", ack.reason.0).unwrap();
    }
    line
}

fn level(qos: QoS) -> String {
    format!("q{}", qos as u8)
}

fn connect(connect: &Connect<'_>) -> String {
    let mut line = format!("connect '{}' {}s", connect.client_id, connect.keep_alive);
    if connect.clean_start {
        line.push_str(" clean");
    }
    for property in connect.properties.iter() {
        match property {
            Property::SessionExpiryInterval(v) => write!(line, " expiry={v}").unwrap(),
            Property::ReceiveMaximum(v) => write!(line, " receive={v}").unwrap(),
            Property::TopicAliasMaximum(v) => write!(line, " aliases={v}").unwrap(),
            Property::MaximumPacketSize(_) => {}
            other => write!(line, " {other:?}").unwrap(),
        }
    }
    if let Some(will) = connect.will {
        write!(line, " will={}", will.topic).unwrap();
    }
    line
}

/// A packet that the session wrote.
pub(super) fn sent(packet: &Packet<'_>) -> String {
    match packet {
        Packet::Connect(packet) => connect(packet),
        Packet::Publish(publish) => {
            let id = publish
                .delivery
                .packet_id()
                .map_or_else(|| "-".to_owned(), |i| i.get().to_string());
            let mut line = format!(
                "publish {id} {} {} {}",
                level(publish.delivery.qos()),
                publish.topic,
                text(publish.payload)
            );
            for (set, word) in [(publish.dup, " dup"), (publish.retain, " retain")] {
                if set {
                    line.push_str(word);
                }
            }
            for property in publish.properties.iter() {
                write!(line, " {property:?}").unwrap();
            }
            line
        }
        Packet::PubAck(packet) => ack("puback", packet),
        Packet::PubRec(packet) => ack("pubrec", packet),
        Packet::PubRel(packet) => ack("pubrel", packet),
        Packet::PubComp(packet) => ack("pubcomp", packet),
        Packet::Subscribe(subscribe) => {
            let mut line = format!("subscribe {}", subscribe.packet_id.get());
            for (filter, options) in subscribe.filters.iter() {
                write!(line, " {} {filter}", level(options.qos)).unwrap();
                match options.retain_handling {
                    RetainHandling::Send => {}
                    RetainHandling::SendIfNew => line.push_str(" if-new"),
                    RetainHandling::DoNotSend => line.push_str(" quiet"),
                }
                assert!(!options.retain_as_published && !options.no_local);
            }
            for identifier in subscribe.properties.subscription_identifiers() {
                write!(line, " id={identifier}").unwrap();
            }
            line
        }
        Packet::Unsubscribe(unsubscribe) => {
            let mut line = format!("unsubscribe {}", unsubscribe.packet_id.get());
            for (filter, ()) in unsubscribe.filters.iter() {
                write!(line, " {filter}").unwrap();
            }
            line
        }
        Packet::PingReq => "pingreq".to_owned(),
        Packet::Disconnect(disconnect) => {
            let mut line = "disconnect".to_owned();
            if disconnect.reason != Reason::SUCCESS {
                write!(line, " {:02x}", disconnect.reason.0).unwrap();
            }
            for property in disconnect.properties.iter() {
                // No Reason String, no User Property: MQTT-3.14.2-3 v5, MQTT-3.14.2-4 v5.
                assert!(matches!(property, Property::SessionExpiryInterval(_)));
                write!(line, " {property:?}").unwrap();
            }
            line
        }
        other => panic!("a client does not send {other:?}"),
    }
}

fn set(subscriptions: SubscriptionSet) -> String {
    let ids = (0..64).filter(|id| subscriptions.0 >> id & 1 == 1);
    let ids: Vec<String> = ids.map(|id: u32| id.to_string()).collect();
    format!("to({})", ids.join(","))
}

pub(super) fn message(message: &Message<'_>) -> String {
    let mut line = format!(
        "message {} {} {} {}",
        level(message.qos),
        message.topic,
        text(message.payload),
        set(message.subscriptions)
    );
    for (set, word) in [(message.dup, " dup"), (message.retain, " retain")] {
        if set {
            line.push_str(word);
        }
    }
    line
}

pub(super) fn oversized(passed: &Oversized<'_>) -> String {
    let topic = passed.topic.unwrap_or("-");
    format!(
        "oversized {topic} {} {}",
        passed.length,
        set(passed.subscriptions)
    )
}

pub(super) fn event(event: &Event) -> String {
    match event {
        Event::Connected => "connected".to_owned(),
        Event::Ready => "ready".to_owned(),
        Event::Published {
            token,
            qos,
            outcome,
        } => {
            let outcome = match outcome {
                Outcome::Sent => "sent".to_owned(),
                Outcome::Acknowledged(reason) => format!("acknowledged {:02x}", reason.0),
                Outcome::Refused(reason) => format!("refused {:02x}", reason.0),
                Outcome::InDoubt => "in doubt".to_owned(),
                Outcome::ClosedUpon => "closed upon".to_owned(),
            };
            format!("published {} {} {outcome}", token.0, level(*qos))
        }
        Event::Subscribed { id, result } => match result {
            Ok(qos) => format!("subscribed {} {}", id.0, level(*qos)),
            Err(reason) => format!("subscribed {} refused {:02x}", id.0, reason.0),
        },
        Event::ClosedUpon { id } => format!("subscribed {} closed upon", id.0),
        Event::Pong { round_trip } => format!("pong {}s", round_trip.as_secs_f64()),
    }
}

pub(super) fn error(error: &SessionError) -> String {
    match error {
        SessionError::Malformed(error) => format!("malformed {error:?}"),
        SessionError::Protocol(what) => format!("protocol: {what}"),
        SessionError::Refused(reason) => format!("refused {:02x}", reason.0),
        SessionError::FallBack => "fall back".to_owned(),
        SessionError::Disconnected(reason) => format!("disconnected {:02x}", reason.0),
        SessionError::PingTimeout => "ping timeout".to_owned(),
    }
}

/// What has a clear enough `Debug`.
pub(super) fn debug(value: &impl Debug) -> String {
    format!("{value:?}")
}

pub(super) fn grants(grants: Option<&Grants>) -> String {
    grants.map_or_else(
        || "none".to_owned(),
        |g| {
            format!(
                "receive={} qos={} retain={} maximum={:?} aliases={} wildcard={} identifiers={} shared={} keep_alive={}{} expiry={}",
                g.receive_maximum,
                g.maximum_qos as u8,
                u8::from(g.retain_available),
                g.maximum_packet_size.unwrap_or(0),
                g.topic_alias_maximum,
                u8::from(g.wildcard_available),
                u8::from(g.subscription_identifiers_available),
                u8::from(g.shared_available),
                g.keep_alive,
                if g.server_keep_alive { "!" } else { "" },
                g.session_expiry,
            )
        },
    )
}
