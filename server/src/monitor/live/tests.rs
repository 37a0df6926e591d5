use super::super::tests::{a_call, json_of, monitor, request};
use super::super::{Monitor, task};
use async_std::os::unix::net::UnixStream;
use async_std::task::block_on;
use async_tungstenite::WebSocketStream;
use async_tungstenite::tungstenite::Message;
use async_tungstenite::tungstenite::protocol::Role;
use futures::StreamExt;
use serde_json::{Value, json};
use std::sync::Arc;

type Socket = WebSocketStream<UnixStream>;

/// A page that listens, from the end of its handshake on.
async fn listener(monitor: &Arc<Monitor>, trusted: bool) -> Socket {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let server = WebSocketStream::from_raw_socket(theirs, Role::Server, None).await;
    let monitor = monitor.clone();
    task::spawn(async move { monitor.live(server, trusted).await });
    WebSocketStream::from_raw_socket(ours, Role::Client, None).await
}

async fn next(socket: &mut Socket) -> Option<Value> {
    match socket.next().await {
        Some(Ok(Message::Text(text))) => Some(serde_json::from_str(&text).unwrap()),
        Some(Ok(Message::Close(frame))) => Some(json!({"closed": u16::from(frame.unwrap().code)})),
        _ => None,
    }
}

async fn say(socket: &mut Socket, said: &str) {
    socket.send(Message::text(said.to_owned())).await.unwrap();
}

#[test]
fn a_snapshot_comes_first_then_what_has_changed() {
    let monitor = monitor();
    block_on(async {
        let issued = monitor
            .respond(request("POST", "/api/ticket", ""), true)
            .await;
        let ticket = json_of(&issued)["ticket"].clone();
        let mut page = listener(&monitor, false).await;
        say(&mut page, &json!({"ticket": ticket}).to_string()).await;
        let first = next(&mut page).await.unwrap();
        assert_eq!(
            (&first["type"], &first["calls"]),
            (&json!("snapshot"), &json!([]))
        );
        assert!(first["service"]["version"].is_string() && first["metrics"].is_object());
        a_call(&monitor, "ping", "ok", "all well");
        let change = loop {
            let change = next(&mut page).await.unwrap();
            assert_eq!(change["type"], "change");
            if change.get("calls").is_some() {
                break change;
            }
        };
        assert_eq!(
            (&change["calls"][0]["tool"], &change["calls"][0]["result"]),
            (&json!("ping"), &json!(""))
        );
        // What has not changed is not sent again.
        assert!(change.get("brokers").is_none() && change.get("log").is_none());
        // The same ticket is good for nobody else.
        let mut other = listener(&monitor, false).await;
        say(&mut other, &json!({"ticket": ticket}).to_string()).await;
        assert_eq!(next(&mut other).await, Some(json!({"closed": 1008})));
        let mut other = listener(&monitor, false).await;
        say(&mut other, "{}").await;
        assert_eq!(next(&mut other).await, Some(json!({"closed": 1008})));
    });
}

#[test]
fn eight_listen_and_a_place_that_is_left_is_free() {
    let monitor = monitor();
    block_on(async {
        let mut pages = Vec::new();
        for _ in 0..8 {
            let mut page = listener(&monitor, true).await;
            assert_eq!(next(&mut page).await.unwrap()["type"], "snapshot");
            pages.push(page);
        }
        let mut late = listener(&monitor, true).await;
        assert_eq!(next(&mut late).await, Some(json!({"closed": 1013})));
        let mut gone = pages.remove(0);
        gone.close(None).await.unwrap();
        // It is over when the service has closed its side, too.
        while next(&mut gone).await.is_some() {}
        while monitor
            .desk
            .listeners
            .load(std::sync::atomic::Ordering::Acquire)
            > 7
        {
            task::yield_now().await;
        }
        let mut again = listener(&monitor, true).await;
        assert_eq!(next(&mut again).await.unwrap()["type"], "snapshot");
    });
}
