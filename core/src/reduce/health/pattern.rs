//! Which devices are asked for: a name, an id or a part of one, wherever it stands; or all that a filter brings.

use heapless::String;

/// Bytes of a pattern that are compared.
pub const MAX_PATTERN: usize = 128;

/// How well a device fits: more is better, zero is not at all.
pub(super) type Fit = u8;

/// The whole id, the whole name or the last level of the id.
pub(super) const EXACT: Fit = 3;
/// A whole level of the id or of a topic.
pub(super) const LEVEL: Fit = 2;
/// A part of the id or of the name.
pub(super) const PART: Fit = 1;

/// How well a device must fit to be meant, where the best fits so.
pub(super) fn least(best: Fit) -> Fit {
    if best >= EXACT { LEVEL } else { PART }
}

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Pattern(Option<String<MAX_PATTERN>>);

impl Pattern {
    /// Every device: the filter has chosen already.
    pub const fn all() -> Self {
        Self(None)
    }

    /// Devices of this name; case and what stands between words do not matter. Cut at [`MAX_PATTERN`] bytes.
    pub fn name(name: &str) -> Self {
        let mut kept = String::new();
        for c in name.trim().trim_matches('/').chars() {
            if kept.push(c).is_err() {
                break;
            }
        }
        Self(Some(kept))
    }

    /// How well a text fits that is an id, a name or a topic.
    pub(super) fn fit(&self, text: &str) -> Fit {
        let Some(wanted) = self.0.as_deref() else {
            return EXACT;
        };
        let last = text.rsplit('/').next().unwrap_or(text);
        if same(text, wanted) || same(last, wanted) {
            return EXACT;
        }
        if text.split('/').any(|level| same(level, wanted)) {
            return LEVEL;
        }
        if part(text, wanted) { PART } else { 0 }
    }

    /// Whether a text fits that is an id, a name or a topic.
    pub fn is_in(&self, text: &str) -> bool {
        self.fit(text) > 0
    }

    /// How near a text comes that does not fit: bytes of the longest beginning of the pattern that is in it.
    pub fn nearness(&self, text: &str) -> usize {
        let wanted = self.0.as_deref().unwrap_or("");
        let mut ends = wanted.char_indices().map(|(at, c)| at + c.len_utf8());
        let mut nearness = 0;
        while let Some(front) = ends.next().and_then(|end| wanted.get(..end)) {
            if !part(text, front) {
                break;
            }
            nearness = front.len();
        }
        nearness
    }
}

/// What may stand between the words of a name.
fn is_between(c: char) -> bool {
    matches!(c, '_' | '-' | ' ' | '/' | '.' | ':')
}

fn plain(text: &str) -> impl Iterator<Item = char> + Clone {
    let kept = text.chars().filter(|c| !is_between(*c));
    kept.flat_map(char::to_lowercase)
}

fn same(a: &str, b: &str) -> bool {
    !b.is_empty() && plain(a).eq(plain(b))
}

/// `wanted` stands somewhere in `text`: one word within a level, several in any.
fn part(text: &str, wanted: &str) -> bool {
    let words = wanted.trim().contains(is_between);
    if !words && text.contains('/') {
        return text.split('/').any(|level| part(level, wanted));
    }
    let mut rest = plain(text);
    loop {
        let (mut ahead, mut wanted) = (rest.clone(), plain(wanted));
        loop {
            match wanted.next() {
                None => return true,
                wanted if wanted == ahead.next() => {}
                _ => break,
            }
        }
        if rest.next().is_none() {
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_wherever_they_stand() {
        let fit = |pattern, text| Pattern::name(pattern).fit(text);
        assert_eq!(fit("Garage door", "zigbee2mqtt/garage_door"), EXACT);
        assert_eq!(
            fit("zigbee2mqtt/garage_door", "zigbee2mqtt/garage_door"),
            EXACT
        );
        assert_eq!(fit("edge-1", "plant/edge1/press"), LEVEL);
        assert_eq!(fit("cellar pump", "Cellar/Pump"), EXACT);
        assert_eq!(fit("cellar pump", "house/cellar/pump"), PART);
        assert_eq!(fit("sump", "tanks/umbrella"), 0);
        assert_eq!(fit("washer", "tasmota_washer"), PART);
        assert_eq!(fit("dryer", "tasmota_washer"), 0);
        assert_eq!(Pattern::all().fit("x"), EXACT);
        assert_eq!(Pattern::name("washr").nearness("tasmota_washer"), 4);
        assert_eq!(Pattern::name("").fit("x"), 1);
    }
}
