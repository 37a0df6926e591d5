//! The assistants: who they say they are, by which way they came, what they did.
//!
//! Invariant: at most [`MAX_CLIENTS`]; of those that left, the one that left first is forgotten first.

use super::cut;
use std::time::SystemTime;

/// Assistants that are known at once. The service takes 64 at a time, and some hosts connect twice for each start.
const MAX_CLIENTS: usize = 256;

/// Bytes of a name or a version; real ones are far shorter.
const MAX_NAME: usize = 64;

/// Names an assistant in this process.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ClientId(pub u64);

/// An assistant.
#[derive(Clone, Debug)]
pub struct Client {
    /// In this process.
    pub id: ClientId,
    /// As it says; empty until it does.
    pub name: String,
    /// As it says.
    pub version: String,
    /// How it came: `stdio`, `socket`, `relay`, `http`.
    pub transport: &'static str,
    /// When it came.
    pub since: SystemTime,
    /// When it left; none while it is here.
    pub left: Option<SystemTime>,
    /// Tool calls.
    pub calls: u64,
    /// Of these, failed.
    pub errors: u64,
    /// Of these, published something.
    pub publishes: u64,
    /// When the last call ended.
    pub last_call: Option<SystemTime>,
}

impl Client {
    /// What people call it: name and version.
    pub fn title(&self) -> String {
        match (self.name.as_str(), self.version.as_str()) {
            ("", _) => format!("assistant {}", self.id.0),
            (name, "") => name.to_owned(),
            (name, version) => format!("{name} {version}"),
        }
    }
}

#[derive(Default)]
pub(super) struct Clients {
    known: Vec<Client>,
}

impl Clients {
    pub(super) fn came(&mut self, id: ClientId, transport: &'static str, now: SystemTime) {
        if self.known.len() >= MAX_CLIENTS {
            let first = self.known.iter().enumerate();
            let first = first.min_by_key(|(_, it)| (it.left.is_none(), it.left, it.id.0));
            if let Some((at, _)) = first {
                self.known.remove(at);
            }
        }
        self.known.push(Client {
            id,
            name: String::new(),
            version: String::new(),
            transport,
            since: now,
            left: None,
            calls: 0,
            errors: 0,
            publishes: 0,
            last_call: None,
        });
    }

    fn get(&mut self, id: ClientId) -> Option<&mut Client> {
        self.known.iter_mut().find(|it| it.id == id)
    }

    pub(super) fn named(&mut self, id: ClientId, name: &str, version: &str) {
        if let Some(client) = self.get(id) {
            client.name = cut(name.trim(), MAX_NAME);
            client.version = cut(version.trim(), MAX_NAME);
        }
    }

    pub(super) fn left(&mut self, id: ClientId, now: SystemTime) {
        if let Some(client) = self.get(id) {
            client.left = Some(now);
        }
    }

    pub(super) fn called(&mut self, id: ClientId, failed: bool, published: bool, now: SystemTime) {
        if let Some(client) = self.get(id) {
            client.calls += 1;
            client.errors += u64::from(failed);
            client.publishes += u64::from(published);
            client.last_call = Some(now);
        }
    }

    pub(super) fn title(&self, id: ClientId) -> Option<String> {
        let client = self.known.iter().find(|it| it.id == id);
        client.map(Client::title)
    }

    pub(super) fn list(&self) -> Vec<Client> {
        let mut list = self.known.clone();
        list.sort_by_key(|it| (it.left.is_some(), std::cmp::Reverse(it.id.0)));
        list
    }
}
