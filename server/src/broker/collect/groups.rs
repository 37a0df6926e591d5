//! Which parts make one device: `plant/pump-01/flow` and `plant/pump-01/status` are of one pump.
//!
//! Devices are heard by what stands before the last level, or by the whole topic; here those that no dialect claims are
//! put together by the structure of all topics, not by lists of words. Invariant: pure, and equal for equal topics in any
//! order; at most as many steps as there are topics times levels.

use std::collections::{BTreeMap, BTreeSet};

/// Levels of a topic that are looked at.
const LEVELS: usize = 12;

/// What is to be put together.
pub(super) struct Part<'a> {
    pub(super) id: &'a str,
    /// No dialect has told what a device is.
    pub(super) generic: bool,
    /// It told of its connection: what stands below it is its own.
    pub(super) owns: bool,
    /// It told what it is called: so do devices, and some of their parts.
    pub(super) named: bool,
    /// It is one of many on its topics.
    pub(super) speaks: bool,
    pub(super) topics: Vec<&'a str>,
}

/// For each part the id of the device that it is of.
pub(super) fn owners(parts: &[Part<'_>]) -> Vec<String> {
    let generic = || parts.iter().filter(|part| part.generic && !part.speaks);
    let structure = Structure::of(generic().flat_map(|part| part.topics.iter().copied()));
    let ids = |is: fn(&Part<'_>) -> bool| generic().filter(move |it| is(it)).map(|it| it.id);
    let owning: BTreeSet<&str> = ids(|part| part.owns || part.named).collect();
    let sectioned: BTreeSet<&str> = ids(|part| part.has_sections()).collect();
    let owners = parts.iter().map(|part| {
        if !part.generic || part.speaks {
            return part.id.to_owned();
        }
        let around = (!part.owns).then(|| machine(part.id, &sectioned, &structure));
        let owner = || owner(part.id, &owning, &structure);
        around.flatten().unwrap_or_else(owner).to_owned()
    });
    owners.collect()
}

impl Part<'_> {
    /// An aspect of it is a level of its own (`…/Filler/Status/Speed`): beside it stand further sections of the same.
    fn has_sections(&self) -> bool {
        let deep = |topic: &str| topic.matches('/').count() >= self.id.matches('/').count() + 2;
        self.topics.iter().any(|topic| deep(topic))
    }
}

/// The device with sections that `id` is a section of, or an element of an array in one.
fn machine<'a>(
    id: &'a str,
    sectioned: &BTreeSet<&str>,
    structure: &Structure<'_>,
) -> Option<&'a str> {
    let around = fronts(id).filter(|front| front.len() < id.len());
    let whole = around.filter(|front| sectioned.contains(front)).last()?;
    let mut further = fronts(id).filter(|front| front.len() > whole.len());
    let section = !further.any(|front| structure.is_one_of_many(front));
    (section || structure.is_element(id, whole)).then_some(whole)
}

fn owner<'a>(id: &'a str, owning: &BTreeSet<&str>, structure: &Structure<'_>) -> &'a str {
    let fronts: Vec<&str> = fronts(id).collect();
    let deepest = |is: &dyn Fn(&str) -> bool| fronts.iter().rev().copied().find(|it| is(it));
    let address = deepest(&|front| front.contains('/') && is_address(last(front)));
    let present = deepest(&|front| owning.contains(front) && !structure.is_crowd(front, id));
    let by_name = match (address, present) {
        (Some(address), Some(present)) if present.len() >= address.len() => Some(present),
        // Beside an address, what stands below may be told apart further.
        (None, Some(present)) => Some(present),
        _ => None,
    };
    if let Some(present) = by_name {
        return present;
    }
    let instance = fronts.windows(2).filter(|pair| is_instance(pair, owning));
    let instance = instance.map(|pair| pair[1]).next();
    let below = |front: &&str| address.is_none_or(|address| front.len() > address.len());
    let repeated = || deepest(&|front| structure.is_one_of_many(front));
    instance
        .filter(below)
        .or(address)
        .or_else(repeated)
        .unwrap_or(id)
}

/// `…/battery/512`: a number behind a word. Behind something that speaks for itself it is a part of that.
fn is_instance(pair: &[&str], owning: &BTreeSet<&str>) -> bool {
    let [before, front] = pair else { return false };
    let digits = last(front).bytes().all(|byte| byte.is_ascii_digit());
    let word = last(before).bytes().any(|byte| byte.is_ascii_alphabetic());
    let apart = before.contains('/') && !is_address(last(before)) && !owning.contains(before);
    digits && word && apart
}

/// A serial number or an address: six digits or more, or eight hexadecimal ones or more with a digit among them.
fn is_address(level: &str) -> bool {
    let plain = level.trim_start_matches(['!', '$']);
    let plain = plain.strip_prefix("0x").unwrap_or(plain);
    let kept = || plain.chars().filter(|c| !matches!(c, ':' | '-' | '.'));
    let count = kept().count();
    let digits = kept().filter(char::is_ascii_digit).count();
    let hex = kept().all(|c| c.is_ascii_hexdigit());
    hex && (digits == count && count >= 6 || digits > 0 && count >= 8)
}

fn last(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

/// `a`, `a/b`, `a/b/c` of `a/b/c`.
fn fronts(id: &str) -> impl Iterator<Item = &str> {
    let ends = id.match_indices('/').map(|(end, _)| end);
    let fronts = ends.chain([id.len()]).take(LEVELS);
    fronts.filter_map(|end| id.get(..end))
}

/// What stands below each level of all topics.
struct Structure<'a> {
    /// By front: what follows it in topics, each once.
    below: BTreeMap<&'a str, BTreeSet<&'a str>>,
    /// By front: how many of the levels below it are followed by the same.
    shared: BTreeMap<&'a str, BTreeMap<&'a str, usize>>,
}

/// Things that siblings have in common, by which they are told to be alike: one may be chance.
const ALIKE: usize = 2;

/// Whether a level holds descriptions of what stands elsewhere, so that it is alike by no structure of its own.
fn describes(level: &str) -> bool {
    const WORDS: [&str; 8] = [
        "config",
        "configuration",
        "settings",
        "setpoints",
        "meta",
        "metadata",
        "registry",
        "limits",
    ];
    WORDS.iter().any(|word| level.eq_ignore_ascii_case(word))
}

impl<'a> Structure<'a> {
    fn of(topics: impl Iterator<Item = &'a str>) -> Self {
        let mut structure = Self {
            below: BTreeMap::new(),
            shared: BTreeMap::new(),
        };
        for topic in topics {
            let inner = topic.rsplit_once('/').map_or("", |(inner, _)| inner);
            if inner.split('/').any(describes) {
                continue;
            }
            let mut around = None;
            for front in fronts(topic) {
                let Some(rest) = topic.get(front.len() + 1..) else {
                    break;
                };
                let new = structure.below.entry(front).or_default().insert(rest);
                if let Some(around) = around.filter(|_| new) {
                    let shared = structure.shared.entry(around).or_default();
                    *shared.entry(rest).or_default() += 1;
                }
                around = Some(front);
            }
        }
        structure
    }

    /// What of that which follows `front` follows its siblings, too.
    fn alike(&self, front: &str) -> usize {
        let around = front.rsplit_once('/').map(|(around, _)| around);
        let shared = around.and_then(|around| self.shared.get(around));
        let (Some(shared), Some(below)) = (shared, self.below.get(front)) else {
            return 0;
        };
        let many = |rest: &&&str| shared.get(*rest).is_some_and(|&count| count > 1);
        below.iter().filter(many).count()
    }

    /// The same few things follow it as follow its siblings: it is a device as they are.
    fn is_one_of_many(&self, front: &str) -> bool {
        self.alike(front) >= ALIKE
    }

    /// `…/Counts/0` below `whole`: arrays begin at zero, devices seldom do.
    fn is_element(&self, id: &str, whole: &str) -> bool {
        let Some((array, index)) = id.rsplit_once('/') else {
            return false;
        };
        let digits = index.len() <= 2 && index.bytes().all(|byte| byte.is_ascii_digit());
        let zero = || self.below.contains_key(format!("{array}/0").as_str());
        digits && array.len() > whole.len() && zero()
    }

    /// Whether what leads from `front` to `id` is one of several that are alike: then `front` holds devices and is none of
    /// theirs.
    fn is_crowd(&self, front: &str, id: &str) -> bool {
        let mut further = fronts(id).filter(|it| it.len() > front.len());
        further.next().is_some_and(|next| self.alike(next) > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ids, each with what follows it in topics; `!` before those that told of their connection.
    fn owners_of(parts: &[(&str, &[&str])]) -> Vec<String> {
        let topics: Vec<Vec<String>> = parts
            .iter()
            .map(|(id, ends)| {
                let id = id.trim_start_matches('!');
                let topic = |end: &&str| match *end {
                    "" => id.to_owned(),
                    end => format!("{id}/{end}"),
                };
                ends.iter().map(topic).collect()
            })
            .collect();
        let parts = parts.iter().zip(&topics).map(|((id, _), topics)| Part {
            id: id.trim_start_matches('!'),
            generic: true,
            owns: id.starts_with('!'),
            named: false,
            speaks: false,
            topics: topics.iter().map(String::as_str).collect(),
        });
        owners(&parts.collect::<Vec<_>>())
    }

    #[test]
    fn who_tells_of_its_connection_owns_what_stands_below() {
        let owners = owners_of(&[
            ("!brewer", &["link"]),
            ("brewer/kettle/heat", &[""]),
            ("brewer/job/done", &[""]),
        ]);
        assert_eq!(owners, ["brewer", "brewer", "brewer"]);
    }

    #[test]
    fn a_bridge_is_none_of_the_devices_behind_it() {
        let owners = owners_of(&[
            ("!bridge", &["status"]),
            ("bridge/lamp", &["power", "level"]),
            ("bridge/fan", &["power", "level"]),
        ]);
        assert_eq!(owners, ["bridge", "bridge/lamp", "bridge/fan"]);
    }

    #[test]
    fn what_repeats_below_siblings_makes_them_devices() {
        let owners = owners_of(&[
            ("hall/fan-1/speed", &[""]),
            ("hall/fan-1/place", &[""]),
            ("hall/fan-2/speed", &[""]),
            ("hall/fan-2/place", &[""]),
        ]);
        assert_eq!(
            owners,
            ["hall/fan-1", "hall/fan-1", "hall/fan-2", "hall/fan-2"]
        );
        let single = owners_of(&[("hall/fan-1", &["speed"]), ("hall/lamp", &["power"])]);
        assert_eq!(single, ["hall/fan-1", "hall/lamp"]);
    }

    #[test]
    fn settings_beside_devices_do_not_make_one_of_them() {
        let owners = owners_of(&[
            ("ward/pump/P1", &[""]),
            ("ward/pump/P2", &[""]),
            ("ward/settings/P1", &[""]),
            ("ward/settings/P2", &[""]),
        ]);
        assert_eq!(owners[..2], ["ward/pump/P1", "ward/pump/P2"]);
    }

    #[test]
    fn addresses_and_numbers_behind_words_are_devices() {
        let owners = owners_of(&[
            ("V/d0a1b2c3d4e5/charger/31/Dc", &["Volts"]),
            ("V/d0a1b2c3d4e5/charger/31/Alarms", &["High"]),
            ("V/d0a1b2c3d4e5/grid/7/Ac", &["Power"]),
            ("sun/440912345678/status", &["reachable"]),
            ("sun/440912345678/0", &["power"]),
        ]);
        assert_eq!(
            owners,
            [
                "V/d0a1b2c3d4e5/charger/31",
                "V/d0a1b2c3d4e5/charger/31",
                "V/d0a1b2c3d4e5/grid/7",
                "sun/440912345678",
                "sun/440912345678"
            ]
        );
    }

    #[test]
    fn sections_of_a_machine_and_elements_of_arrays_are_its_own() {
        let owners = owners_of(&[
            ("site/Press", &["Status/Mode", "Status/Speed"]),
            ("site/Press/Admin", &["DesignSpeed"]),
            ("site/Press/Admin/Made/0", &["Unit", "Count"]),
            ("site/Press/Admin/Made/1", &["Unit", "Count"]),
            ("site/Press/Admin/Scrap/0", &["Unit", "Count"]),
        ]);
        assert!(owners.iter().all(|it| it == "site/Press"), "{owners:?}");
        // Like things below it are devices behind it.
        let owners = owners_of(&[
            ("gate", &["status/uptime", "status/load"]),
            ("gate/radio/lamp", &["power", "level"]),
            ("gate/radio/fan", &["power", "level"]),
        ]);
        assert_eq!(owners, ["gate", "gate/radio/lamp", "gate/radio/fan"]);
    }

    #[test]
    fn numbers_below_a_device_are_its_parts() {
        let owners = owners_of(&[
            ("!mesh/Strip", &["status"]),
            ("mesh/Strip/37/0", &["on"]),
            ("mesh/Strip/50/0/value", &["kwh"]),
        ]);
        assert_eq!(owners, ["mesh/Strip", "mesh/Strip", "mesh/Strip"]);
    }
}
