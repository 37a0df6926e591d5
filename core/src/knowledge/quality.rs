//! Marks of quality beside a value, in all forms that are in use: OPC DA and Kepware (`q`), SIMATIC (`qc`), OPC UA
//! (`StatusCode`), Ignition, IEC 61850 (`validity`), Sparkplug B (`is_null`, property `Quality`).
//!
//! Invariant: a number that is no known mark grades nothing.

/// What a mark says of the value beside it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) enum Grade {
    /// It can be used.
    #[default]
    Good,
    /// It may be old or wrong.
    Uncertain,
    /// It is no reading.
    Bad,
}

/// Which mark a key holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mark {
    /// The quality of OPC DA or Ignition, `true` for good, or a word.
    Quality,
    /// SIMATIC: 0 to 3, the higher the better.
    Siemens,
    /// OPC UA, Part 4, 7.39.
    StatusCode,
    /// True: there is no value.
    Null,
}

/// The mark that a key holds, if it is one.
pub(crate) fn mark(key: &str) -> Option<Mark> {
    if key.len() > 16 {
        return None;
    }
    let is = |wanted: &str| {
        let letters = key.bytes().filter(|b| !matches!(b, b'_' | b'-' | b' '));
        letters.map(|b| b.to_ascii_lowercase()).eq(wanted.bytes())
    };
    let any = |wanted: &[&str]| wanted.iter().any(|wanted| is(wanted));
    match key.as_bytes().first()? | 0x20 {
        b'q' if is("qc") => Some(Mark::Siemens),
        b'q' if any(&["q", "quality", "qual", "qualitycode"]) => Some(Mark::Quality),
        b'q' if any(&[
            "qualité",
            "qualite",
            "qualità",
            "qualita",
            "qualität",
            "qualidade",
        ]) =>
        {
            Some(Mark::Quality)
        }
        b'k' if any(&["kvalitet", "kwaliteit"]) => Some(Mark::Quality),
        b'c' if is("calidad") => Some(Mark::Quality),
        b'j' if any(&["jakość", "jakosc"]) => Some(Mark::Quality),
        b'o' if is("opcquality") => Some(Mark::Quality),
        b'd' if is("dataquality") => Some(Mark::Quality),
        b'v' if any(&["validity", "valuequality"]) => Some(Mark::Quality),
        b's' if is("statuscode") => Some(Mark::StatusCode),
        b'i' if is("isnull") => Some(Mark::Null),
        b'i' if any(&["isgood", "isvalid"]) => Some(Mark::Quality),
        _ => None,
    }
}

impl Mark {
    /// What a number says.
    pub(crate) fn of_number(self, number: f64) -> Option<Grade> {
        if number < 0.0 || number % 1.0 != 0.0 {
            return None;
        }
        match self {
            Self::Siemens => by_range(number, [1.0, 2.0, 4.0]),
            Self::StatusCode if number == 0.0 => Some(Grade::Good),
            // What is below is a code of HTTP, or nothing that is known.
            Self::StatusCode if number < TWO_BITS => None,
            Self::StatusCode => opc_ua(number),
            Self::Null => Some(if number == 0.0 {
                Grade::Good
            } else {
                Grade::Bad
            }),
            Self::Quality => opc_da(number),
        }
    }

    /// What true or false says.
    pub(crate) fn of_bool(self, value: bool) -> Grade {
        match value != (self == Self::Null) {
            true => Grade::Good,
            false => Grade::Bad,
        }
    }

    /// What a text says.
    pub(crate) fn of_text(self, text: &str) -> Option<Grade> {
        let text = text.trim();
        if let Some(digits) = text.strip_prefix("0x") {
            let code = u32::from_str_radix(digits, 16).ok()?;
            return self.of_number(f64::from(code));
        }
        if let Some(number) = crate::number::parse(text) {
            return self.of_number(number);
        }
        let begins = |word: &str| {
            let front = text.as_bytes().get(..word.len());
            front.is_some_and(|front| front.eq_ignore_ascii_case(word.as_bytes()))
        };
        let good = [
            "good", "ok", "gut", "goed", "god", "bon", "buen", "dobra", "dobry", "boa", "correct",
        ];
        if good.into_iter().any(begins) {
            return Some(Grade::Good);
        }
        if [
            "bad",
            "invalid",
            "notconnected",
            "not_connected",
            "not connected",
            "comm",
            "schlecht",
            "slecht",
            "dårlig",
            "darlig",
            "mauvais",
            "mala",
            "malo",
            "cattiv",
            "scars",
            "zła",
            "zły",
            "ruim",
        ]
        .into_iter()
        .any(begins)
        {
            return Some(Grade::Bad);
        }
        let unsure = ["uncertain", "questionable", "stale"]
            .into_iter()
            .any(begins);
        unsure.then_some(Grade::Uncertain)
    }
}

/// OPC UA: two bits at the top, from here on set.
const TWO_BITS: f64 = 1_073_741_824.0;

fn opc_ua(code: f64) -> Option<Grade> {
    by_range(code, [0.0, 0.0, TWO_BITS]).or_else(|| {
        let uncertain = code < 2.0 * TWO_BITS;
        Some(if uncertain {
            Grade::Uncertain
        } else {
            Grade::Bad
        })
    })
}

/// Bits 6 and 7 hold the quality of OPC DA: 0 bad, 1 uncertain, 3 good; the two lowest bits tell limits and are seldom
/// set, so that a percentage is not taken for one. Ignition's own codes begin at 300 and are all bad.
fn opc_da(code: f64) -> Option<Grade> {
    if code >= TWO_BITS {
        return opc_ua(code);
    }
    match code {
        192.0..256.0 => Some(Grade::Good),
        64.0..128.0 if code % 4.0 == 0.0 => Some(Grade::Uncertain),
        0.0..64.0 if code % 4.0 == 0.0 => Some(Grade::Bad),
        300.0..1_100.0 => Some(Grade::Bad),
        _ => None,
    }
}

/// Bad below the first, uncertain below the second, good below the third.
fn by_range(number: f64, [bad, uncertain, good]: [f64; 3]) -> Option<Grade> {
    match number {
        _ if number < bad => Some(Grade::Bad),
        _ if number < uncertain => Some(Grade::Uncertain),
        _ if number < good => Some(Grade::Good),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_grade() {
        for (key, number, grade) in [
            ("q", 192.0, Some(Grade::Good)),
            ("q", 216.0, Some(Grade::Good)),
            ("q", 64.0, Some(Grade::Uncertain)),
            ("q", 24.0, Some(Grade::Bad)),
            ("Quality", 0.0, Some(Grade::Bad)),
            ("quality", 500.0, Some(Grade::Bad)),
            ("quality", 57.0, None),
            ("qc", 3.0, Some(Grade::Good)),
            ("qc", 1.0, Some(Grade::Uncertain)),
            ("qc", 0.0, Some(Grade::Bad)),
            ("StatusCode", 0.0, Some(Grade::Good)),
            ("StatusCode", 404.0, None),
            ("StatusCode", 2_150_891_520.0, Some(Grade::Bad)),
            ("StatusCode", 1_083_179_008.0, Some(Grade::Uncertain)),
            ("is_null", 1.0, Some(Grade::Bad)),
        ] {
            let found = mark(key).and_then(|mark| mark.of_number(number));
            assert_eq!(found, grade, "{key} {number}");
        }
        for (key, text, grade) in [
            ("quality", "Bad_Stale", Some(Grade::Bad)),
            ("quality", "GOOD_LOCAL_OVERRIDE", Some(Grade::Good)),
            ("validity", "questionable", Some(Grade::Uncertain)),
            ("statusCode", "0x80350000", Some(Grade::Bad)),
            (
                "statusCode",
                "UncertainLastUsableValue",
                Some(Grade::Uncertain),
            ),
            ("quality", "1080p", None),
        ] {
            let found = mark(key).and_then(|mark| mark.of_text(text));
            assert_eq!(found, grade, "{key} {text}");
        }
        assert_eq!(Mark::Null.of_bool(true), Grade::Bad);
        assert_eq!(Mark::Quality.of_bool(true), Grade::Good);
        assert_eq!(mark("link_quality"), None);
    }
}
