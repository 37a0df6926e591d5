//! Houses, plants and fleets that a generator builds: devices of several layouts under names that nobody has seen, faults
//! that are planted in some of them, and harmless things that look like faults in others.
//!
//! Invariant: a world depends on its seed alone, and knows nothing of how it will be judged.

mod judge;
mod layouts;

pub use judge::{Judgement, judge};

use crate::quality::streams::Random;

/// Half an hour, in milliseconds.
pub const LENGTH: u64 = 30 * 60_000;

/// One message of a world.
#[derive(Clone, Debug)]
pub struct Message {
    /// Milliseconds from the beginning.
    pub at: u64,
    /// Topic Name.
    pub topic: String,
    /// What it holds.
    pub payload: String,
    /// Sent before the world began and kept by the broker.
    pub retain: bool,
}

/// What is wrong with a device.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Fault {
    /// It stops in the middle, and nobody says so.
    Silent,
    /// Its presence says that it is gone, and nothing comes any more.
    Gone,
    /// It comes and goes.
    Flaps,
    /// It starts anew again and again: its uptime falls.
    Restarts,
    /// Its battery is at 4 %.
    Battery,
    /// A reading becomes null.
    NoReading,
    /// A member that says that all is well says something else.
    Failure,
    /// It says that it is in error, in words.
    Error,
    /// One number stands still while it moves everywhere else.
    Frozen,
}

impl Fault {
    /// Each kind.
    pub const ALL: [Self; 9] = [
        Self::Silent,
        Self::Gone,
        Self::Flaps,
        Self::Restarts,
        Self::Battery,
        Self::NoReading,
        Self::Failure,
        Self::Error,
        Self::Frozen,
    ];
}

/// A device, and what is wrong with it.
#[derive(Clone, Debug)]
pub struct Planted {
    /// A word that no other device has; part of its topics, or of its payloads where many share a topic.
    pub name: String,
    /// Nothing if it is healthy.
    pub fault: Option<Fault>,
}

/// What happens, and what is true.
#[derive(Clone, Debug)]
pub struct World {
    /// In order of time.
    pub messages: Vec<Message>,
    /// All devices.
    pub devices: Vec<Planted>,
}

impl World {
    /// The world of a seed: three to five groups of like devices, one device in six with a fault.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        // The first numbers of neighbouring seeds are alike.
        random.below(2);
        let mut world = Self {
            messages: Vec::new(),
            devices: Vec::new(),
        };
        let mut layouts = layouts::ALL;
        random.shuffle(&mut layouts);
        for layout in layouts.iter().take(3 + random.below(3)) {
            layout(&mut world, &mut random);
        }
        world.messages.sort_by_key(|message| message.at);
        world
    }

    fn send(&mut self, at: u64, topic: &str, payload: String) {
        if at < LENGTH {
            self.messages.push(Message {
                at,
                topic: topic.to_owned(),
                payload,
                retain: false,
            });
        }
    }

    fn keep(&mut self, topic: &str, payload: String) {
        self.messages.push(Message {
            at: 0,
            topic: topic.to_owned(),
            payload,
            retain: true,
        });
    }
}

/// A name made of syllables, which means nothing in any language that we know.
fn name(random: &mut Random) -> String {
    const FIRST: [&str; 12] = [
        "bo", "kra", "lu", "mi", "no", "pe", "ra", "sto", "tu", "va", "we", "zi",
    ];
    const LAST: [&str; 10] = [
        "dal", "fen", "gor", "kim", "lek", "mun", "pas", "rix", "tov", "ven",
    ];
    let (first, second) = (random.below(FIRST.len()), random.below(FIRST.len()));
    let last = random.below(LAST.len());
    format!(
        "{}{}{}{}",
        FIRST[first],
        FIRST[second],
        LAST[last],
        random.below(90) + 10
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Worlds that are judged: some fifty faults, within half a minute on a slow machine.
    const SEEDS: u64 = 10;

    #[test]
    fn a_world_is_made_by_its_seed_and_has_sick_and_healthy_devices() {
        for seed in 1..=20 {
            let world = World::of(seed);
            let names: BTreeSet<_> = world.devices.iter().map(|it| &it.name).collect();
            assert_eq!(names.len(), world.devices.len(), "{seed}");
            let sick = world.devices.iter().filter(|it| it.fault.is_some()).count();
            assert!(sick > 0 && sick < names.len() / 2, "{seed}: {sick}");
            assert_eq!(World::of(seed).messages.len(), world.messages.len());
            for device in &world.devices {
                let spoke = |it: &Message| {
                    it.topic.contains(&device.name) || it.payload.contains(&device.name)
                };
                assert!(world.messages.iter().any(spoke), "{seed}: {}", device.name);
            }
        }
    }

    /// Recall and false accusations of the first worlds hold what the product promises; `cargo run --example worlds` tells
    /// more.
    #[test]
    fn what_is_planted_is_found_and_nobody_is_accused() {
        let judgements = (1..=SEEDS).map(|seed| judge(&World::of(seed)));
        let all = judgements.reduce(Judgement::with).unwrap();
        let (overview, by_name) = (
            Judgement::recall(&all.overview),
            Judgement::recall(&all.by_name),
        );
        assert!(overview >= 0.9, "{overview}: {:?}", missed(&all.overview));
        assert!(by_name >= 0.95, "{by_name}: {:?}", missed(&all.by_name));
        assert!(all.invented.is_empty(), "{:?}", all.invented);
    }

    fn missed(found: &[(Fault, bool)]) -> Vec<Fault> {
        let missed = found.iter().filter(|(_, found)| !found);
        missed.map(|(fault, _)| *fault).collect()
    }
}
