//! A simulated household of thirty devices of several makes, each file one make. A [`Member`] is one connection to
//! the broker (a bridge speaks for many devices): what it says at birth, what it says by itself and how often, what it
//! answers, and when it vanishes without a word. One task runs each member.
//!
//! Faults on purpose, for an assistant to find: `tasmota` loses a plug (its Last Will says so), `shelly` has one that
//! flaps, `heating` has bursts of error E07 (and an `error: null` that is none), `zigbee` an empty battery, a
//! weak link, an unreachable door and a thermometer that stands still.

mod binary;
mod heating;
mod homeassistant;
mod shelly;
mod tasmota;
mod zigbee;

use super::link::{Link, Message};
use async_std::task;
use futures::FutureExt;
use serde_json::Value;
use std::f64::consts::TAU;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// Devices behind all members, bridged ones counted one by one.
pub(super) const DEVICES: usize = 30;

/// Time before a member that lost its connection tries again.
const RETRY: Duration = Duration::from_secs(1);

/// One connection of the household.
struct Member {
    client_id: String,
    will: Option<Message>,
    birth: Vec<Message>,
    /// Filters of the commands it takes.
    commands: Vec<String>,
    answer: Answer,
    emitters: Vec<Emitter>,
    outage: Option<Outage>,
}

/// What a member says to a command.
type Answer = Box<dyn FnMut(&Message, &mut World) -> Vec<Message> + Send + Sync>;

/// What a member says by itself, about every so often.
struct Emitter {
    period: Duration,
    /// Until the next time.
    wait: Duration,
    say: Say,
}

type Say = Box<dyn FnMut(&mut World) -> Vec<Message> + Send + Sync>;

/// The connection drops without DISCONNECT `up` after birth and comes back `down` later.
#[derive(Clone, Copy)]
struct Outage {
    up: Duration,
    down: Duration,
}

impl Member {
    fn new(client_id: &str) -> Self {
        Self {
            client_id: client_id.to_owned(),
            will: None,
            birth: Vec::new(),
            commands: Vec::new(),
            answer: Box::new(|_, _| Vec::new()),
            emitters: Vec::new(),
            outage: None,
        }
    }

    fn will(mut self, will: Message) -> Self {
        self.will = Some(will);
        self
    }

    fn born(mut self, birth: impl IntoIterator<Item = Message>) -> Self {
        self.birth.extend(birth);
        self
    }

    fn every(
        mut self,
        period: f64,
        say: impl FnMut(&mut World) -> Vec<Message> + Send + Sync + 'static,
    ) -> Self {
        let period = Duration::from_secs_f64(period);
        // Spread over the period, so that the household does not speak in one voice.
        let wait = period.mul_f64(0.37 * (self.emitters.len() % 3) as f64 + 0.1);
        self.emitters.push(Emitter {
            period,
            wait,
            say: Box::new(say),
        });
        self
    }

    fn answers(
        mut self,
        commands: impl IntoIterator<Item = String>,
        answer: impl FnMut(&Message, &mut World) -> Vec<Message> + Send + Sync + 'static,
    ) -> Self {
        self.commands.extend(commands);
        self.answer = Box::new(answer);
        self
    }

    fn vanishing(mut self, up: f64, down: f64) -> Self {
        self.outage = Some(Outage {
            up: Duration::from_secs_f64(up),
            down: Duration::from_secs_f64(down),
        });
        self
    }
}

/// What happens to be the case: time of the household and chance. Reproducible: each member has a fixed seed.
struct World {
    elapsed: Duration,
    random: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            elapsed: Duration::ZERO,
            random: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
        }
    }

    /// From 0 to 1 (xorshift: chance for a play, not for secrets).
    fn chance(&mut self) -> f64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Swings around `middle` by `swing` once a `period` of seconds, with a little noise; one decimal.
    fn swing(&mut self, middle: f64, swing: f64, period: f64) -> f64 {
        let phase = self.elapsed.as_secs_f64() / period * TAU;
        let noise = (self.chance() - 0.5) * swing * 0.2;
        ((middle + swing * phase.sin() + noise) * 10.0).round() / 10.0
    }

    fn whole(&mut self, from: u32, to: u32) -> u32 {
        from + (self.chance() * f64::from(to - from + 1)) as u32
    }
}

fn text(topic: impl Into<String>, payload: impl Into<String>) -> Message {
    Message {
        topic: topic.into(),
        payload: payload.into().into_bytes(),
        retain: false,
    }
}

fn json(topic: impl Into<String>, payload: &Value) -> Message {
    text(topic, payload.to_string())
}

impl Message {
    fn retained(mut self) -> Self {
        self.retain = true;
        self
    }
}

/// Local time of a device, as most of them write it.
fn clock() -> String {
    jiff::Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%S")
        .to_string()
}

/// Starts every member on a task of its own and waits until each has connected and said what it says at birth.
pub(super) async fn start(broker: SocketAddr) -> io::Result<()> {
    let mut members = zigbee::members();
    members.extend(tasmota::members());
    members.extend(shelly::members());
    members.extend(homeassistant::members());
    members.extend(heating::members());
    members.extend(binary::members());
    for (seed, mut member) in (1_u64..).zip(members) {
        let link = open(&member, broker).await?;
        let mut world = World::new(seed);
        task::spawn(async move {
            let mut link = link;
            loop {
                let down = live(&mut member, link, &mut world).await;
                world.elapsed += down;
                task::sleep(down).await;
                link = loop {
                    match open(&member, broker).await {
                        Ok(link) => break link,
                        Err(_) => task::sleep(RETRY).await,
                    }
                };
            }
        });
    }
    Ok(())
}

async fn open(member: &Member, broker: SocketAddr) -> io::Result<Link> {
    let mut link = Link::open(
        broker,
        &member.client_id,
        member.will.as_ref(),
        &member.commands,
    )
    .await?;
    for message in &member.birth {
        link.publish(message).await?;
    }
    Ok(link)
}

/// Speaks and answers until the connection ends, by an outage or a fault; returns how long to stay away.
async fn live(member: &mut Member, mut link: Link, world: &mut World) -> Duration {
    let mut left = member.outage.map(|outage| outage.up);
    loop {
        let next = member
            .emitters
            .iter()
            .map(|emitter| emitter.wait)
            .chain(left)
            .min()
            .unwrap_or(RETRY);
        let before = std::time::Instant::now();
        let command = futures::select! {
            () = task::sleep(next).fuse() => None,
            command = link.command().fuse() => match command {
                Ok(command) => Some(command),
                Err(_) => return RETRY,
            },
        };
        let passed = before.elapsed();
        world.elapsed += passed;
        let mut said = match &command {
            Some(command) => (member.answer)(command, world),
            None => Vec::new(),
        };
        for emitter in &mut member.emitters {
            match emitter.wait.checked_sub(passed) {
                Some(wait) if !wait.is_zero() => emitter.wait = wait,
                _ => {
                    said.extend((emitter.say)(world));
                    emitter.wait = emitter.period.mul_f64(0.9 + 0.2 * world.chance());
                }
            }
        }
        for message in &said {
            if link.publish(message).await.is_err() {
                return RETRY;
            }
        }
        if let Some(until) = &mut left {
            *until = until.saturating_sub(passed);
            if until.is_zero() {
                return member.outage.map_or(RETRY, |outage| outage.down);
            }
        }
    }
}
