//! Flags of batteries, known by the parts of their names and with their sense: `LOWBAT` is wrong when it is true,
//! `battery_ok` when it is false.
//!
//! Invariant: a name with a part that is not understood is no flag.

/// What a flag says when it is true.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sense {
    /// The battery is low.
    Low,
    /// The battery is well.
    Fine,
}

/// Bytes of a name that are compared.
const NAME: usize = 28;

/// Longer ones first.
const BATTERY: [&[u8]; 13] = [
    b"batteries",
    b"battery",
    b"batterie",
    b"batterij",
    b"batteria",
    b"bateria",
    b"batteri",
    b"batt",
    b"akku",
    b"accu",
    b"pile",
    b"pila",
    b"bat",
];

/// What a name without its battery says of it.
fn sense(rest: &[u8]) -> Option<Sense> {
    match rest {
        b"low" | b"lo" | b"islow" | b"weak" | b"empty" | b"critical" | b"iscritical" | b"crit"
        | b"flat" | b"dead" | b"leer" | b"schwach" | b"replace" | b"change" | b"lowwarning"
        | b"warning" | b"lowstate" | b"lowstatus" | b"lowflag" | b"statelow" | b"lowindicator"
        | b"sticky" | b"stickylow" | b"lowsensor" | b"faible" | b"baja" | b"scarica" | b"laag"
        | b"baixa" | b"fraca" | b"bassa" | b"lav" | b"slaba" | b"niska" | b"levellow"
        | b"lowlevel" => Some(Sense::Low),
        b"ok" | b"isok" | b"okay" | b"good" | b"fine" | b"healthy" | b"full" | b"okstate"
        | b"statusok" | b"stateok" => Some(Sense::Fine),
        _ => None,
    }
}

/// The flag that `key` inside of `parent` is, if it is one.
pub(crate) fn flag(parent: &str, key: &str) -> Option<Sense> {
    let mut name = [0; NAME];
    let key = letters(key, &mut name)?;
    let mut around = [0; NAME];
    if let Some((before, after)) = without_battery(key) {
        let mut rest = [0; NAME];
        let length = before.len() + after.len();
        for (to, from) in rest.iter_mut().zip(before.iter().chain(after)) {
            *to = *from;
        }
        return sense(rest.get(..length)?);
    }
    let parent = letters(parent, &mut around)?;
    let bare = matches!(without_battery(parent), Some((b"", b"")));
    sense(key).filter(|_| bare)
}

/// Whether a name is of a battery and of nothing else.
pub(crate) fn is_battery(key: &str) -> bool {
    is_with(key, |behind| {
        matches!(behind, b"" | b"state" | b"status" | b"level")
    })
}

/// Whether a name is the word for a battery, and no more.
pub(crate) fn is_word(key: &str) -> bool {
    is_with(key, <[u8]>::is_empty)
}

fn is_with(key: &str, behind: impl Fn(&[u8]) -> bool) -> bool {
    let mut name = [0; NAME];
    let key = letters(key, &mut name);
    let parts = key.and_then(|key| without_battery(key));
    parts.is_some_and(|(front, rest)| front.is_empty() && behind(rest))
}

/// What a word says of the battery: whether it is low.
pub(crate) fn is_low(text: &str) -> Option<bool> {
    let mut name = [0; NAME];
    Some(match letters(text, &mut name)? {
        b"low" | b"verylow" | b"critical" | b"empty" | b"weak" | b"dead" | b"leer" | b"schwach"
        | b"lavt" | b"lav" | b"lag" | b"laag" | b"leeg" | b"zwak" | b"baja" | b"bajo"
        | b"agotada" | b"bassa" | b"scarica" | b"scarico" | b"faible" | b"vide" | b"baixa"
        | b"baixo" | b"fraca" | b"niska" | b"niski" | b"slaba" => true,
        // A letter with a stroke is none of those that are compared.
        b"saba" => true,
        b"ok" | b"good" | b"normal" | b"full" | b"high" | b"medium" | b"middle" | b"fine"
        | b"gut" | b"voll" | b"bon" | b"bonne" | b"buena" | b"buona" | b"goed" | b"god"
        | b"dobra" | b"boa" => false,
        _ => return None,
    })
}

/// The letters of a short name, in lower case.
fn letters<'b>(name: &str, buffer: &'b mut [u8; NAME]) -> Option<&'b [u8]> {
    let mut length = 0;
    for letter in name.bytes().filter(u8::is_ascii_alphabetic) {
        *buffer.get_mut(length)? = letter.to_ascii_lowercase();
        length += 1;
    }
    buffer.get(..length)
}

/// What stands before and behind the word for a battery.
fn without_battery(name: &[u8]) -> Option<(&[u8], &[u8])> {
    BATTERY.iter().find_map(|word| {
        let at = name.windows(word.len()).position(|part| part == *word)?;
        Some((name.get(..at)?, name.get(at + word.len()..)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_known_with_their_sense() {
        for (parent, key, found) in [
            ("", "battery_low", Some(Sense::Low)),
            ("", "LOWBAT", Some(Sense::Low)),
            ("", "LOW_BAT", Some(Sense::Low)),
            ("", "lowBatt", Some(Sense::Low)),
            ("", "batteryCritical", Some(Sense::Low)),
            ("battery", "critical", Some(Sense::Low)),
            ("", "battery_ok", Some(Sense::Fine)),
            ("", "batt1_ok", Some(Sense::Fine)),
            ("akku", "ok", Some(Sense::Fine)),
            ("", "battery", None),
            ("", "battery_low_threshold", None),
            ("door", "low", None),
            ("", "battery_voltage", None),
        ] {
            assert_eq!(flag(parent, key), found, "{parent} {key}");
        }
        assert!(is_battery("battery_state") && !is_battery("battery_voltage"));
        assert_eq!(is_low("Very Low"), Some(true));
        assert_eq!(is_low("OK"), Some(false));
    }
}
