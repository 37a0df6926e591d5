//! Proxies that know their user: by address, or by a name that is resolved when somebody asks.
//!
//! Invariant: a name that cannot be resolved lets nobody in.

use crate::process::clock;
use async_std::future::timeout;
use async_std::net::ToSocketAddrs;
use futures::lock::Mutex;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// A container that is started anew has another address: it is found within this time.
const FRESH: Duration = Duration::from_secs(10);
/// The resolver of a container network answers in milliseconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// See the head of this file.
pub(super) struct Proxies {
    addresses: Vec<IpAddr>,
    names: Vec<String>,
    resolved: Mutex<(Option<Instant>, Vec<IpAddr>)>,
}

impl Proxies {
    /// What is no address is a name.
    pub(super) fn new(places: &[String]) -> Self {
        let address = |place: &String| place.parse().ok();
        let names = places.iter().filter(|place| address(place).is_none());
        Self {
            addresses: places.iter().filter_map(address).collect(),
            names: names.cloned().collect(),
            resolved: Mutex::default(),
        }
    }

    /// Whether this is the address of one.
    pub(super) async fn have(&self, peer: IpAddr) -> bool {
        if self.addresses.contains(&peer) {
            return true;
        }
        if self.names.is_empty() {
            return false;
        }
        let mut resolved = self.resolved.lock().await;
        if resolved.0.is_none_or(|at| at.elapsed() >= FRESH) {
            let mut addresses = Vec::new();
            for name in &self.names {
                let asking = timeout(PATIENCE, (name.as_str(), 0).to_socket_addrs());
                if let Ok(Ok(found)) = asking.await {
                    addresses.extend(found.map(|it| it.ip().to_canonical()));
                }
            }
            *resolved = (Some(clock::now()), addresses);
        }
        resolved.1.contains(&peer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_known_by_address_and_by_name() {
        let known = |places: &[&str], peer: &str| {
            let places: Vec<_> = places.iter().map(|it| (*it).to_owned()).collect();
            let proxies = Proxies::new(&places);
            async_std::task::block_on(proxies.have(peer.parse().unwrap()))
        };
        assert!(known(&["10.0.0.7", "fd00::7"], "fd00::7"));
        assert!(!known(&["10.0.0.7"], "127.0.0.1"));
        assert!(known(&["localhost"], "127.0.0.1"));
        assert!(!known(&["localhost"], "10.0.0.7"));
        assert!(!known(&["nobody.invalid"], "127.0.0.1"));
    }
}
