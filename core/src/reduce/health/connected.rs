//! Words and names that tell of a connection, in several languages.
//!
//! Invariant: a word that may be of a cable as well is told apart from one that says nothing else.

use super::vitals;

/// Bytes of a word for a state of a connection; the longest have twenty.
const MAX_WORD: usize = 32;

/// Whether a device is connected.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Connection {
    /// Nobody told.
    #[default]
    Unknown,
    /// Connected.
    Online,
    /// Not connected.
    Offline,
    /// Connected from time to time, by intention.
    Sleeping,
    /// Connected, and needs a person (Homie).
    Alert,
}

impl Connection {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Online => "online",
            Self::Offline => "offline",
            Self::Sleeping => "sleeping",
            Self::Alert => "alert",
        }
    }
}

/// A level or key whose value is yes or no.
pub(super) fn is_question(name: &str) -> bool {
    const NAMES: [&str; 21] = [
        "conectado",
        "conectada",
        "connesso",
        "collegato",
        "connecté",
        "connecte",
        "verbunden",
        "verbonden",
        "połączony",
        "polaczony",
        "tilkoblet",
        "ansluten",
        "conexao",
        "online",
        "connected",
        "available",
        "alive",
        "reachable",
        "availability",
        "will",
        "lwt",
    ];
    NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))
}

pub(super) fn yes_or_no(text: &str) -> Option<Connection> {
    match text {
        "true" | "True" | "1" | "on" | "ON" | "yes" => Some(Connection::Online),
        "false" | "False" | "0" | "off" | "OFF" | "no" => Some(Connection::Offline),
        _ => None,
    }
}

/// A word for a state of a connection; case, spaces, `_` and `-` do not matter.
pub(super) fn word(text: &str) -> Option<Connection> {
    const WORDS: [(&str, Connection); 7] = [
        ("alive", Connection::Online),
        ("available", Connection::Online),
        ("reachable", Connection::Online),
        ("ready", Connection::Online),
        ("dead", Connection::Offline),
        ("lost", Connection::Offline),
        ("unavailable", Connection::Offline),
    ];
    let link = || link_word(text);
    plain_word(text)
        .or_else(link)
        .or_else(|| find(&WORDS, text))
}

/// The words among them that may be of a cable or a plug as well.
pub(super) fn link_word(text: &str) -> Option<Connection> {
    const WORDS: [(&str, Connection); 26] = [
        ("connesso", Connection::Online),
        ("collegato", Connection::Online),
        ("conectado", Connection::Online),
        ("conectada", Connection::Online),
        ("connecté", Connection::Online),
        ("connecte", Connection::Online),
        ("verbunden", Connection::Online),
        ("verbonden", Connection::Online),
        ("połączony", Connection::Online),
        ("polaczony", Connection::Online),
        ("tilkoblet", Connection::Online),
        ("ansluten", Connection::Online),
        ("disconnesso", Connection::Offline),
        ("scollegato", Connection::Offline),
        ("desconectado", Connection::Offline),
        ("desconectada", Connection::Offline),
        ("déconnecté", Connection::Offline),
        ("deconnecte", Connection::Offline),
        ("getrennt", Connection::Offline),
        ("verbroken", Connection::Offline),
        ("rozłączony", Connection::Offline),
        ("rozlaczony", Connection::Offline),
        ("frakoblet", Connection::Offline),
        ("frånkopplad", Connection::Offline),
        ("connected", Connection::Online),
        ("disconnected", Connection::Offline),
    ];
    find(&WORDS, text)
}

/// The words among them that say nothing else wherever they stand; of `disconnected` it may be the cable.
pub(super) fn plain_word(text: &str) -> Option<Connection> {
    const WORDS: [(&str, Connection); 17] = [
        ("online", Connection::Online),
        ("offline", Connection::Offline),
        ("died", Connection::Offline),
        ("unreachable", Connection::Offline),
        ("notreachable", Connection::Offline),
        ("notavailable", Connection::Offline),
        ("notconnected", Connection::Offline),
        ("connectionlost", Connection::Offline),
        ("lostconnection", Connection::Offline),
        ("connectionbroken", Connection::Offline),
        ("connectionclosed", Connection::Offline),
        ("noconnection", Connection::Offline),
        ("ungracefuldisconnect", Connection::Offline),
        ("unexpecteddisconnect", Connection::Offline),
        ("sleeping", Connection::Sleeping),
        ("asleep", Connection::Sleeping),
        ("alert", Connection::Alert),
    ];
    find(&WORDS, text)
}

/// A word of a device that is about to be there.
pub(super) fn is_start(payload: &[u8]) -> bool {
    const WORDS: [&str; 6] = [
        "init",
        "initializing",
        "start",
        "starting",
        "boot",
        "booting",
    ];
    let text = core::str::from_utf8(payload)
        .unwrap_or("")
        .trim()
        .trim_matches('"');
    text.len() <= MAX_WORD && vitals::is_any(text, &WORDS)
}

fn find(words: &[(&str, Connection)], text: &str) -> Option<Connection> {
    if text.len() > MAX_WORD {
        return None;
    }
    let found = words.iter().find(|(word, _)| vitals::is(text, word));
    found.map(|&(_, state)| state)
}

/// Whether what stands at a level, or under a key, may be the state of a connection: a name of nothing else.
pub(super) fn is_connection(name: &str) -> bool {
    const NAMES: [&str; 37] = [
        "estado",
        "stato",
        "état",
        "etat",
        "stan",
        "zustand",
        "toestand",
        "statut",
        "verbindung",
        "verbinding",
        "connexion",
        "connessione",
        "conexión",
        "status",
        "state",
        "lwt",
        "will",
        "lastwill",
        "mqtt",
        "connection",
        "connectionstate",
        "connectionstatus",
        "connectivity",
        "connected",
        "availability",
        "available",
        "online",
        "onlinestate",
        "onlinestatus",
        "alive",
        "reachable",
        "presence",
        "link",
        "linkstate",
        "presencestate",
        "network",
        "networkstatus",
    ];
    vitals::is_any(name, &NAMES)
}

/// Whether a level is of a state of any kind.
pub(super) fn is_state(level: &str) -> bool {
    const NAMES: [&str; 9] = [
        "state", "estado", "stato", "état", "etat", "stan", "zustand", "toestand", "statut",
    ];
    vitals::is_any(level, &NAMES)
}
