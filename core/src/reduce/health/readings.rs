//! What a device reads of itself that is bad: a battery that is nearly empty, a link that is weak.
//!
//! Invariant: a number that may be volts or a flag is percent only if siblings tell percent under the same names.

use super::device::DeviceSlot;
use super::judge::Cause;
use super::view::Device;
use super::vitals::{STEPS, Vital};

/// Percent of a battery below which it is nearly empty, and below which it should be changed soon.
pub(super) const BATTERY_EMPTY: f64 = 5.0;
const BATTERY_LOW: f64 = 15.0;
/// Of a Zigbee link (0 to 255): messages get lost below.
const LINK_WEAK: f64 = 20.0;
/// Percent of a wireless link: the same.
const SIGNAL_WEAK: f64 = 20.0;
/// dBm of a Wi-Fi link: the same.
const WIFI_WEAK: f64 = -85.0;
/// Siblings that tell percent.
const SIBLINGS: usize = 2;

impl<'h, B: AsMut<[u8]> + AsRef<[u8]>> Device<'h, B> {
    pub(super) fn readings(&self, tell: &mut impl FnMut(Cause<'h>)) {
        let reading = |vital| Some(self.slot.reading(vital)).filter(|reading| reading.count > 0);
        let battery = reading(Vital::Battery).map(|battery| battery.last);
        match battery.or_else(|| self.small_battery()) {
            Some(percent) if percent <= BATTERY_LOW => tell(Cause::Battery {
                percent: Some(percent),
            }),
            _ if self.slot.battery_low => tell(Cause::Battery { percent: None }),
            _ => {}
        }
        let weak = [
            (Vital::LinkQuality, LINK_WEAK),
            (Vital::WifiRssi, WIFI_WEAK),
            (Vital::Signal, SIGNAL_WEAK),
        ];
        let weak = weak.into_iter().find_map(|(vital, limit)| {
            let best = reading(vital)?.max;
            (best <= limit).then_some((vital, best))
        });
        if let Some((vital, best)) = weak {
            tell(Cause::WeakLink { vital, best });
        }
    }

    /// A small number of a battery, if devices of its kind whose topics end alike tell percent.
    fn small_battery(&self) -> Option<f64> {
        let small = self.slot.small_battery?;
        let end = |slot: &DeviceSlot| {
            let name = slot.topics.first().map(|topic| self.names.get(topic.name));
            name.and_then(|name| name.rsplit('/').next())
        };
        let own = end(self.slot)?;
        let siblings = self.all.iter().filter(|it| {
            it.dialect == self.slot.dialect
                && it.reading(Vital::Battery).max > STEPS
                && end(it) == Some(own)
        });
        (siblings.take(SIBLINGS).count() == SIBLINGS).then_some(f64::from(small))
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::super::tests::{by_id, causes, end, event, of};
    use std::format;
    use std::vec::Vec;

    #[test]
    fn a_small_number_of_a_battery_is_percent_where_siblings_tell_percent() {
        let told = |others: u32| {
            let node = |k: u32, battery: u32| {
                let payload = format!(r#"{{"battery":{battery}}}"#);
                event(f64::from(k), &format!("field/post{k}/report"), &payload)
            };
            let table = of(&[node(1, others), node(2, others), node(3, 4)]);
            causes(&by_id(&table, "field/post3"), end())
        };
        assert_eq!(told(80), ["battery_low"]);
        assert_eq!(told(4), Vec::<&str>::new());
    }
}
