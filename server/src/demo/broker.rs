//! The embedded broker: rmqtt on a thread of its own with a Tokio runtime of its own, on loopback only.
//! rmqtt leaves the keeping of retained messages to a plugin that wants configuration files; its in-memory tree is
//! public, so [`Retained`] puts that in place.

use async_trait::async_trait;
use rmqtt::Result;
use rmqtt::context::ServerContext;
use rmqtt::net::Builder;
use rmqtt::retain::{DefaultRetainStorage, RetainStorage};
use rmqtt::server::MqttServer;
use rmqtt::types::{Retain, TopicFilter, TopicName};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc;
use std::time::Duration;

/// Time for the broker to be listening; it is a matter of milliseconds.
const START: Duration = Duration::from_secs(10);

/// Retained messages live as long as the demo; rmqtt would drop them after five minutes.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// Starts the broker on loopback at `port` (0: a free one) and returns its address once it listens. It runs until the
/// process ends.
pub(super) fn start(port: u16) -> io::Result<SocketAddr> {
    let (listening, address) = mpsc::sync_channel(1);
    std::thread::Builder::new()
        .name("demo-broker".to_owned())
        .spawn(move || serve(port, &listening))?;
    match address.recv_timeout(START) {
        Ok(address) => address,
        Err(_) => Err(io::Error::other("the embedded broker did not start")),
    }
}

fn serve(port: u16, listening: &mpsc::SyncSender<io::Result<SocketAddr>>) {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = listening.send(Err(error));
            return;
        }
    };
    runtime.block_on(async {
        let context = ServerContext::new().build().await;
        *context.extends.retain_mut().await = Box::new(Retained(DefaultRetainStorage::new()));
        let listener = Builder::new()
            .name("demo")
            .nodelay(true)
            .reuseaddr(Some(true))
            .laddr(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
            .message_expiry_interval(FOREVER)
            .bind()
            .and_then(|listener| listener.tcp());
        let bound = listener.and_then(|listener| Ok((listener.local_addr()?, listener)));
        match bound {
            Ok((address, listener)) => {
                let server = MqttServer::new(context)
                    .listener_by_id(listener, address.port())
                    .build();
                let _ = listening.send(Ok(address));
                if let Err(error) = server.run().await {
                    eprintln!("embedded broker: {error}");
                }
            }
            Err(error) => {
                let _ = listening.send(Err(io::Error::other(format!(
                    "embedded broker on port {port}: {error}"
                ))));
            }
        }
    });
}

/// Retained messages in memory.
struct Retained(DefaultRetainStorage);

#[async_trait]
impl RetainStorage for Retained {
    fn enable(&self) -> bool {
        true
    }

    async fn set(&self, topic: &TopicName, retain: Retain, expiry: Option<Duration>) -> Result<()> {
        self.0.set_with_timeout(topic, retain, expiry).await
    }

    async fn get(&self, filter: &TopicFilter) -> Result<Vec<(TopicName, Retain)>> {
        self.0.get_message(filter).await
    }

    async fn count(&self) -> isize {
        self.0.count().await
    }

    async fn max(&self) -> isize {
        self.0.max().await
    }
}
