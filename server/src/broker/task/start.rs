//! A task's beginning: what it is told, the memory of its session, its client id.

use super::clock::{Alarm, Clock};
use super::input::Input;
use super::link::{Life, Link};
use super::listeners::Listeners;
use super::output::Output;
use super::requests::Requests;
use super::{Counts, Task};
use crate::broker::error::{BrokerError, FAILED};
use crate::broker::handle::Established;
use crate::broker::shared::{Command, Shared};
use crate::config::target::Target;
use async_channel::{Receiver, Sender};
use bitsperity_mqtt_core::limits::{
    MAX_FIXED_HEADER, MAX_REMAINING_LENGTH, MAX_STRING, MAX_SUBSCRIPTIONS,
};
use bitsperity_mqtt_core::session::{InFlight, Options, Session, Storage, Subscription};
use futures::FutureExt as _;
use futures::channel::oneshot;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

/// Seconds that a 5.0 broker keeps our state after a loss: longer than all tries to reconnect take by default.
const SESSION_EXPIRY: u32 = 300;

/// Publications and the like that wait for an answer at once.
const IN_FLIGHT: usize = 128;

/// Topic Aliases that the broker may use.
const ALIASES: usize = 16;

/// Room in the outgoing queue beside one packet of the largest size.
const OUTBOUND_SPARE: usize = 64 * 1024;

/// What a task begins with.
pub(in crate::broker) struct Start {
    pub target: Target,
    pub patience: Duration,
    pub max_packet: usize,
    /// How long a lost connection is tried again.
    pub persistence: Duration,
    pub receive_maximum: u16,
    pub shared: Arc<Shared>,
    pub inbox: Receiver<Command>,
    /// The outcome of the first connection.
    pub first: oneshot::Sender<Result<Established, BrokerError>>,
    /// Closed at the task's end.
    pub ending: Sender<()>,
}

/// Starts the task.
pub(in crate::broker) fn spawn(start: Start) {
    async_std::task::spawn(async move {
        let (ending, inbox) = (start.ending.clone(), start.inbox.clone());
        let (shared, broker) = (start.shared.clone(), start.target.display());
        // What is looked at afterwards is shared by locks and atomics, whole after every statement.
        if AssertUnwindSafe(run(start)).catch_unwind().await.is_err() {
            ::log::error!("{broker}: {FAILED}");
            shared.set_failed();
            inbox.close();
            while let Ok(command) = inbox.try_recv() {
                command.fail(BrokerError::Failed);
            }
        }
        ending.close();
    });
}

/// Gives the session its memory: pages that nobody touches cost nothing.
async fn run(start: Start) {
    let client_id = match start.target.client_id.as_str() {
        "" => match made_up_client_id() {
            Some(id) => id,
            None => {
                let why = "The system gives no random bytes for a client id.".to_owned();
                let _ = start.first.send(Err(BrokerError::Invalid(why)));
                return;
            }
        },
        id => id.to_owned(),
    };
    let target = Arc::new(start.target);
    let options = Options {
        client_id: &client_id,
        keep_alive: target.keep_alive,
        clean_start: target.clean_start,
        fresh_client_id: target.client_id.is_empty(),
        session_expiry: SESSION_EXPIRY,
        receive_maximum: start.receive_maximum,
        maximum_packet_size: announced(&target, start.max_packet),
        will: None,
    };
    let mut outbound = vec![0; start.max_packet + OUTBOUND_SPARE];
    let mut in_flight = vec![InFlight::default(); IN_FLIGHT];
    let mut aliases = vec![0; ALIASES * MAX_STRING];
    let mut subscriptions = vec![Subscription::EMPTY; MAX_SUBSCRIPTIONS];
    let mut received = Box::new([0; 1024]);
    let storage = Storage {
        outbound: &mut outbound,
        in_flight: &mut in_flight,
        aliases: &mut aliases,
        subscriptions: &mut subscriptions,
        received: &mut received,
    };
    let clock = Clock::start();
    let task = Task {
        session: Session::new(options, storage),
        offered: &client_id,
        clock,
        alarm: Alarm::default(),
        link: Link::Lost,
        life: Life::new(
            target.clone(),
            start.patience,
            start.max_packet,
            start.persistence,
        ),
        target: target.clone(),
        input: Input::new(start.max_packet),
        pace: super::pace::Pace::default(),
        output: Output::new(),
        listeners: Listeners::new(clock, start.shared.clone()),
        requests: Requests::default(),
        inbox: Box::pin(start.inbox),
        first: Some(start.first),
        counts: Counts::default(),
        shared: start.shared,
        called: true,
        over: false,
    };
    task.live().await;
}

/// Maximum Packet Size for 5.0: the largest packet that there can be. Brokers hold back in silence what is larger, and a
/// topic that is never seen cannot be named; what is over `max_packet` is passed over as it comes and never held, so
/// that to announce more costs no memory. A WebSocket message is held whole before we see its packets: there the
/// broker must hold back.
fn announced(target: &Target, max_packet: usize) -> u32 {
    if target.scheme.is_websocket() {
        return u32::try_from(max_packet).unwrap_or(u32::MAX);
    }
    MAX_REMAINING_LENGTH.saturating_add(MAX_FIXED_HEADER as u32)
}

/// 23 characters of digits and letters, which every 3.1.1 broker must take `[MQTT-3.1.3-5]`.
fn made_up_client_id() -> Option<String> {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let mut random = [0; 13];
    getrandom::fill(&mut random).ok()?;
    let tail = random
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte & 31)]));
    Some("bitsperity".chars().chain(tail).collect())
}
