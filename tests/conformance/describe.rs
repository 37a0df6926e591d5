//! A packet as one line of text, which says all that it says: the meaning that the vectors give.

use bitsperity_mqtt_core::packet::{
    Ack, Connect, Filters, Packet, Properties, Publish, RetainHandling, SubscriptionOptions,
};
use std::fmt::Write;

pub(crate) fn describe(packet: &Packet<'_>) -> String {
    match packet {
        Packet::Connect(connect) => describe_connect(connect),
        Packet::ConnAck(ack) => format!(
            "CONNACK present={} code={:02x} {}",
            u8::from(ack.session_present),
            ack.reason.0,
            properties(&ack.properties)
        ),
        Packet::Publish(publish) => describe_publish(publish),
        Packet::PubAck(ack) | Packet::PubRec(ack) | Packet::PubRel(ack) | Packet::PubComp(ack) => {
            describe_ack(packet.packet_type().name(), ack)
        }
        Packet::Subscribe(subscribe) => format!(
            "SUBSCRIBE id={} {}{}",
            subscribe.packet_id.get(),
            properties(&subscribe.properties),
            subscriptions(&subscribe.filters)
        ),
        Packet::SubAck(ack) => format!(
            "SUBACK id={} {}{}",
            ack.packet_id.get(),
            properties(&ack.properties),
            codes(ack.codes)
        ),
        Packet::Unsubscribe(unsubscribe) => {
            let mut text = format!(
                "UNSUBSCRIBE id={} {}",
                unsubscribe.packet_id.get(),
                properties(&unsubscribe.properties)
            );
            for (filter, ()) in &unsubscribe.filters {
                write!(text, " {filter:?}").unwrap();
            }
            text
        }
        Packet::UnsubAck(ack) => format!(
            "UNSUBACK id={} {}{}",
            ack.packet_id.get(),
            properties(&ack.properties),
            codes(ack.codes)
        ),
        Packet::PingReq => "PINGREQ".into(),
        Packet::PingResp => "PINGRESP".into(),
        Packet::Disconnect(disconnect) => format!(
            "DISCONNECT code={:02x} {}",
            disconnect.reason.0,
            properties(&disconnect.properties)
        ),
        Packet::Auth(auth) => format!(
            "AUTH code={:02x} {}",
            auth.reason.0,
            properties(&auth.properties)
        ),
    }
}

fn describe_connect(connect: &Connect<'_>) -> String {
    let mut text = format!(
        "CONNECT clean={} keep_alive={} client_id={:?}",
        u8::from(connect.clean_start),
        connect.keep_alive,
        connect.client_id
    );
    if let Some(will) = &connect.will {
        write!(
            text,
            " will(qos={} retain={} topic={:?} payload={} {})",
            will.qos.bits(),
            u8::from(will.retain),
            will.topic,
            hex(will.payload),
            properties(&will.properties)
        )
        .unwrap();
    }
    if let Some(user_name) = connect.user_name {
        write!(text, " user={user_name:?}").unwrap();
    }
    if let Some(password) = connect.password {
        write!(text, " password={}", hex(password)).unwrap();
    }
    write!(text, " {}", properties(&connect.properties)).unwrap();
    text
}

fn describe_publish(publish: &Publish<'_>) -> String {
    let id = publish
        .delivery
        .packet_id()
        .map_or(String::new(), |id| format!("id={} ", id.get()));
    format!(
        "PUBLISH dup={} qos={} retain={} {id}topic={:?} {} payload={}",
        u8::from(publish.dup),
        publish.delivery.qos().bits(),
        u8::from(publish.retain),
        publish.topic,
        properties(&publish.properties),
        hex(publish.payload)
    )
}

fn describe_ack(name: &str, ack: &Ack<'_>) -> String {
    format!(
        "{name} id={} code={:02x} {}",
        ack.packet_id.get(),
        ack.reason.0,
        properties(&ack.properties)
    )
}

fn subscriptions(filters: &Filters<'_, SubscriptionOptions>) -> String {
    let mut text = String::new();
    for (filter, options) in filters {
        write!(text, " {filter:?}:qos={}", options.qos.bits()).unwrap();
        if options.no_local {
            text.push_str(" no_local");
        }
        if options.retain_as_published {
            text.push_str(" as_published");
        }
        text.push_str(match options.retain_handling {
            RetainHandling::Send => "",
            RetainHandling::SendIfNew => " if_new",
            RetainHandling::DoNotSend => " no_retained",
        });
    }
    text
}

fn properties(properties: &Properties<'_>) -> String {
    let each: Vec<String> = properties
        .iter()
        .map(|property| format!("{property:?}"))
        .collect();
    format!("{{{}}}", each.join(", "))
}

fn codes(codes: &[u8]) -> String {
    codes.iter().map(|code| format!(" {code:02x}")).collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
