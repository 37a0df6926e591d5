//! What single words mean in keys, values and prose: one table, hashed at compile time.
//!
//! A key or a value is cut into words at punctuation, at digits and where case changes (`fixFailed`,
//! `error_code`); compound words without a seam (`loaderror`) are met by their beginnings and ends. The rules that
//! put words together are in `payload::severity`. German, French, Spanish, Italian, Polish and Dutch are covered thinly.

use super::tongues;
use crate::number::low;

/// What a word can mean; a set of these bits.
pub(crate) type Flags = u64;

/// In a key: names something wrong, if the value agrees.
pub(crate) const PROBLEM: Flags = 1;
/// In a key: says nothing by itself (`code`, `state`, `active`), so the word before it decides.
pub(crate) const PLAIN: Flags = 1 << 1;
/// In a key: holds a level (`severity`).
pub(crate) const LEVEL: Flags = 1 << 2;
/// In a key: holds a state or an outcome.
pub(crate) const STATUS: Flags = 1 << 3;
/// In a key: holds prose.
pub(crate) const TEXT: Flags = 1 << 4;
/// In a key: something is wrong if it is false.
pub(crate) const GOOD: Flags = 1 << 5;
/// In a key: `restart`, `reset`; with a cause its value is judged.
pub(crate) const RESTART: Flags = 1 << 6;
/// In a key: `reason`, `cause`.
pub(crate) const CAUSE: Flags = 1 << 7;
/// In a key or a level of a topic: what is in it is configured or asked for, not happening.
pub(crate) const SETTING: Flags = 1 << 8;
/// `no`, `not`, `without`, `0`.
pub(crate) const NOT: Flags = 1 << 9;
/// In a key: a temperature.
pub(crate) const HEAT: Flags = 1 << 10;
/// In a key: names the pair that the object is.
pub(crate) const NAME: Flags = 1 << 11;
/// In a key: the value of the pair that the object is, or of the topic.
pub(crate) const VALUE: Flags = 1 << 12;
/// In a key: a danger that a sensor tells as true or false.
pub(crate) const DANGER: Flags = 1 << 13;
/// In a state: something is wrong.
pub(crate) const BAD: Flags = 1 << 14;
/// In a state: something may be wrong.
pub(crate) const DOUBTFUL: Flags = 1 << 15;
/// In a state: nothing is wrong.
pub(crate) const FINE: Flags = 1 << 16;
/// In a state or in prose: it is over.
pub(crate) const OVER: Flags = 1 << 17;
/// In prose: something went wrong.
pub(crate) const WRONG: Flags = 1 << 18;
/// A level that is an error.
pub(crate) const SEVERE: Flags = 1 << 19;
/// A level that is a warning.
pub(crate) const MINOR: Flags = 1 << 20;
/// A level below a warning.
pub(crate) const QUIET: Flags = 1 << 21;
/// Behind a problem in prose: the problem is only spoken of (`error handler`).
pub(crate) const ABOUT: Flags = 1 << 22;
/// A level of a topic that tells presence (`availability`, `LWT`).
pub(crate) const PRESENCE: Flags = 1 << 23;
/// In a cause of a restart: it crashed.
pub(crate) const CRASH: Flags = 1 << 24;
/// As the last level of a topic: whatever is told there is a failure (`rejected`).
pub(crate) const VERDICT: Flags = 1 << 25;
/// In a key: a battery.
pub(crate) const BATTERY: Flags = 1 << 26;
/// In a key: a code by the rules of HTTP, if another word says status.
pub(crate) const CODE: Flags = 1 << 27;

/// In a key: says what kind of message it is.
pub(crate) const TYPED: Flags = 1 << 28;
/// In a key: a quantity that a sensor reads.
pub(crate) const MEASURED: Flags = 1 << 32;
/// In a key: counts.
pub(crate) const COUNT: Flags = 1 << 33;
/// In a key: several, or their sum since some time; a problem beside it is counted and not told of.
pub(crate) const MANY: Flags = 1 << 34;
/// In a key: numbers whatever stands around it, and says nothing of it (`id`, `port`).
pub(crate) const IDENTITY: Flags = 1 << 35;
/// In a key: what is chosen, but a state as well if the value is a failure (`mode`).
pub(crate) const MODE: Flags = 1 << 36;
/// In a key: one of several steps beside which a number is a limit (`careful`, `warning`, `high`).
pub(crate) const GRADE: Flags = 1 << 37;
/// In a key or a level of a topic: a service that a device may do without (`cloud`).
pub(crate) const SERVICE: Flags = 1 << 38;
/// In a key: happens now.
pub(crate) const CURRENT: Flags = 1 << 39;
/// In a resolved key: a part of a device, and not the device, has the state.
pub(crate) const PART: Flags = 1 << 40;
/// In a key: what is aimed at, not what is.
pub(crate) const AIM: Flags = 1 << 41;
/// In a state: of the ordinary life of a device, which it enters and leaves.
pub(crate) const ORDINARY: Flags = 1 << 42;
/// Meanings that decide nothing by themselves.
pub(crate) const NEUTRAL: Flags =
    COUNT | MANY | IDENTITY | SERVICE | PART | GRADE | CURRENT | ORDINARY;
/// In a resolved key: would name a problem if it did not go on (`alarm_door`); only `true` affirms it.
pub(crate) const HINT: Flags = 1 << 31;

/// In a state: it failed, and nothing more.
pub(crate) const FAILED: Flags = PROBLEM | BAD | WRONG;

#[rustfmt::skip]
const TABLE: &[(&[&str], Flags)] = &[
    (&["error", "errors", "err", "errs", "fehler", "erreur", "errore", "errori"], FAILED | SEVERE | CRASH),
    (&["failure", "failures"], FAILED | SEVERE | VERDICT | CRASH),
    (&["fatal", "panic", "severe"], FAILED | SEVERE | VERDICT | CRASH),
    (&["failed"], FAILED | VERDICT | CRASH),
    (&["fail", "fallo", "echec", "échec", "exception", "exceptions"], FAILED | CRASH),
    (&["fault", "faults", "faulty", "faulted", "malfunction", "störung", "stoerung", "störungen", "defekt", "defect", "defective", "ausfall", "panne", "falla", "guasto", "storing", "avería", "averia", "averie", "porucha", "feil", "fejl", "fout"], FAILED | CRASH),
    (&["alarm", "alarms", "alarme", "alarmes", "alarmas", "allarmi", "alarmy", "alarmer"], PROBLEM | BAD),
    (&["errno", "errorcode", "errcode", "faultcode", "fehlercode", "problem", "problems", "trouble", "errored", "dtc", "dtcs", "unreach", "exitcode", "returncode", "retcode", "feilkode", "fejlkode", "felkod", "foutcode"], PROBLEM | BAD),
    (&["failover"], PROBLEM),
    (&["fails", "failing"], PROBLEM | BAD),
    (&["overheat", "overheated", "overheating", "overtemperature", "overtemp", "overpower", "overload", "overloaded", "overcurrent", "overvoltage", "undervoltage", "undervolt", "undertemperature", "brownout", "shortcircuit", "jammed", "stalled", "tripped", "leaking", "übertemperatur", "kurzschluss", "überlast", "surtension"], PROBLEM | BAD | WRONG),
    (&["crash", "crashed", "wdt", "watchdog", "segfault", "abort", "aborted", "assert", "coredump", "canary", "rtcwdt", "oom"], BAD | WRONG | CRASH),
    (&["smoke", "leak", "flood", "tamper", "tampered", "gas", "sos", "monoxide", "leakage", "intrusion", "burglary", "fire"], DANGER),
    (&["emergency", "estop", "urgence", "emergencia", "emergenza", "notaus", "nothalt", "awaryjny", "awaryjne", "awaryjnego"], DANGER | BAD | SEVERE),
    (&["critical", "crit", "emerg", "alert", "major", "kritisch"], SEVERE | BAD),
    (&["warning", "warn", "warnung", "warnings", "avertissements", "avviso", "varning"], MINOR | DOUBTFUL),
    (&["minor"], MINOR | DOUBTFUL),
    (&["info", "information", "informational", "debug", "trace", "notice", "verbose", "dbg", "inf"], QUIET | FINE),
    (&["offline", "dead", "died", "lost", "unreachable", "unresponsive", "unavailable", "perdida", "perdido", "perdue", "verloren", "unterbrochen", "abgebrochen", "disconnessa", "desconectada", "desconectado"], BAD | WRONG),
    (&["rejected", "refused", "denied", "nack", "unauthorized", "forbidden", "refusée", "refusé", "rechazada", "rechazado", "rifiutata", "rifiutato", "odrzucono", "odrzucony", "abgelehnt", "verweigert", "geweigerd"], BAD | WRONG | VERDICT),
    (&["timeout", "timedout", "corrupt", "corrupted", "unrecoverable", "traceback", "backtrace", "segmentation", "guru"], BAD | WRONG),
    (&["down", "broken", "stuck", "gone", "trip", "unhealthy", "blocked", "triggered", "ausgefallen", "expired", "unsuccessful", "bad", "nok", "ko", "ng", "nak", "timed", "gestört", "alert", "ausgelöst", "déclenché", "déclenchée", "disparado", "disparada", "scattato", "wyzwolony"], BAD),
    (&["unable", "cannot", "couldn", "invalid", "malformed", "unexpected", "mismatch", "unsupported", "overflow", "unhandled", "fehlgeschlagen", "ungültig", "impossible", "misslungen", "intruso", "intrusione", "fuite", "wyciek", "leckage"], WRONG),
    (&["degraded", "disconnected", "unstable", "stale", "invalid", "unknown", "poor", "uncertain"], DOUBTFUL),
    (&["level", "lvl", "severity", "sev", "loglevel", "priority", "levelname"], LEVEL),
    (&["state", "stat", "result", "outcome", "health", "condition", "phase", "verdict", "zustand", "stato", "estado", "etat", "état", "toestand", "ergebnis", "diag", "diagnosis", "quality", "response", "reply", "condizione"], STATUS | PLAIN),
    (&["status", "statuscode", "httpstatus", "statut"], STATUS | PLAIN | CODE),
    (&["code"], PLAIN | CODE),
    (&["http"], CODE),
    (&["message", "msg", "text", "log", "meldung"], TEXT | PLAIN),
    (&["reason", "cause", "grund"], CAUSE | PLAIN | TEXT),
    (&["detail", "details", "info", "description", "desc", "string", "str"], PLAIN),
    (&["count", "cnt", "counter", "number", "num", "nr", "flag", "flags", "active", "present", "detected", "bits", "mask", "bitmap", "word", "register", "list", "aktiv", "is", "has", "set", "raised", "current", "name", "output", "total"], PLAIN),
    (&["ok", "okay", "passed", "success", "succeeded", "successful", "healthy"], GOOD | FINE),
    (&["online", "erreichbar", "verbunden", "reachable", "alive", "connected", "operational"], GOOD | FINE | PRESENCE | OVER),
    (&["availability", "available", "lwt", "presence", "connection", "connectivity", "will", "verfügbar"], PRESENCE | STATUS),
    (&["restart", "reset", "reboot", "boot", "resetcause", "resetreason", "restartreason", "rebootreason", "neustart"], RESTART),
    (&["settings", "setting", "config", "configuration", "threshold", "thresholds", "limit", "limits", "setpoint", "delay", "duration", "interval", "enabled", "enable", "disabled", "disable", "volume", "catalog", "catalogue", "dictionary", "manifest", "factsheet", "capabilities", "capability", "melody", "sound", "hour", "minute", "ignore", "suppress", "clear", "mute", "ack", "acknowledge", "acknowledged", "retry", "silence", "simulate", "test", "policy", "template", "url", "topic", "clock", "correction", "logging", "reporting", "notification", "notifications", "detection", "recovery", "monitoring", "email", "sms", "led", "buzzer", "siren", "ringtone", "snooze", "repeat", "label", "days", "safe", "options", "definition", "definitions", "schema", "supported", "search", "filter", "request", "command", "cmnd", "cmd", "exposes", "timeout", "rate", "ratio", "percent", "id", "uid", "time", "timestamp", "date", "ts", "since", "at", "max", "min", "minimum", "maximum", "control", "panel", "handler", "handling", "handlers", "budget", "tolerance", "support", "supports", "type", "class", "icon", "on", "positive", "previous", "prev", "last", "letzter", "letzte", "letztes", "letzten", "último", "última", "dernier", "dernière", "ostatni", "ostatnia", "ostatnie", "laatste", "vorige", "seuils"], SETTING),
    (&["no", "not", "non", "without", "zero", "kein", "keine", "keinen", "ohne", "nicht", "sin", "sans", "pas", "geen", "nessun", "nessuna", "never", "ninguno", "aucun", "aucune", "ingen", "inga", "inget", "żadna", "żadne", "niets"], NOT | FINE),
    (&["temperature", "temp", "temperatur", "temps", "temperatura"], HEAT),
    (&["key", "metric", "field", "param", "parameter", "property", "signal", "tag", "symbol"], NAME),
    (&["name"], NAME),
    (&["value", "val", "wert", "v", "values"], VALUE | PLAIN),
    (&["none", "null", "nil", "off", "false", "normal", "nominal", "good", "inactive", "idle", "na", "ready", "running", "standby", "disarmed", "armed", "arming", "pending", "nothing", "aus", "nein", "regular", "fine", "gut", "safe", "stopped", "closed", "completed", "complete", "valid", "disabled", "initial", "probealarm", "nieaktywny", "uit", "inactivo", "inattivo", "inactif"], FINE),
    (&["cleared", "clear", "resolved", "recovered", "restored", "fixed", "behoben", "corrected", "recovery", "reconnected", "ended", "solved", "inactive", "closed"], OVER | FINE),
    (&["handler", "handlers", "handling", "rate", "free", "correction", "log", "logs", "logging", "report", "reports", "reporting", "page", "margin", "counter", "counters", "test", "tests", "budget", "callback", "reset", "tolerance", "tolerant", "codes", "message", "messages", "recovery", "threshold", "limit", "clock", "set", "armed", "disarmed", "off", "history", "policy", "check", "checking", "checks", "mode", "detection", "enabled", "disabled", "configured", "initialized", "initialised", "registered", "started"], ABOUT),
    (&["type", "event", "kind", "command"], TYPED),
    (&["battery", "batt", "bat", "akku", "batterie", "batteries", "batería", "batteria", "baterii", "pile", "pila", "accu"], BATTERY),
    (&["low", "weak", "leer", "schwach", "faible", "baja", "bassa", "scarica", "scarico", "słaby", "slaba", "niski", "niska", "laag"], DOUBTFUL),
    (&["humidity", "humid", "hum", "rh", "moisture", "moi", "soil", "vwc", "pressure", "barometer", "co", "voc", "tvoc", "pm", "lux", "illuminance", "wind", "rain", "flow", "distance", "depth", "voltage", "power", "frequency", "ph", "conductivity", "orp", "weight", "vibration", "torque", "radon", "noise", "dew", "dewpoint", "tempc", "tempf", "rpm", "luftfeuchte", "feuchte", "luftfeuchtigkeit", "luftdruck", "druck", "durchfluss", "füllstand", "spannung", "leistung", "drehzahl", "humidité", "humidite", "pression", "débit", "humedad", "presión", "presion", "caudal", "umidità", "pressione", "portata", "vochtigheid", "luchtdruk", "spanning", "vermogen"], MEASURED),
    (&["count", "counts", "cnt", "counter", "counters", "total", "totals", "sum", "stats", "statistics", "statistik", "anzahl", "zähler", "liczba", "ilość", "antall", "antal", "aantal", "nombre", "contador", "contatore", "licznik", "teller", "compteur", "cantidad", "quantidade", "hours", "ore", "horas", "heures", "stunden", "uren", "godziny", "godzin"], COUNT),
    (&["errors", "errs", "failures", "fails", "exceptions", "timeouts", "crashes", "rejects", "rejected", "overruns", "disconnects", "reconnects", "retries", "warnings", "störungen", "errori"], MANY),
    (&["active", "current", "present", "open", "pending", "standing", "now", "aktiv"], CURRENT),
    (&["target", "targets", "desired", "soll", "wanted", "goal", "forecast", "predicted", "expected", "remaining", "eta", "preset"], AIM),
    (&["id", "ids", "uid", "uuid", "port", "seq", "index", "idx", "session", "serial", "channel", "ch", "address", "addr", "node", "zone", "line", "row"], IDENTITY),
    (&["mode", "betriebsart", "modus", "modo"], MODE),
    (&["careful", "warning", "warn", "critical", "crit", "alarm", "alert", "fault", "high", "low", "hi", "lo", "max", "min", "maximum", "minimum", "hh", "ll", "upper", "lower", "major", "minor", "error", "danger", "caution"], GRADE),
    (&["cloud", "bluetooth", "ble", "websocket", "ws", "eth", "ethernet", "matter", "homekit", "alexa", "vpn", "modem", "remote", "ap"], SERVICE),
    (&["start", "starting", "started", "stop", "stopping", "run", "busy", "working", "paused", "pause", "waiting", "loading", "charging", "discharging", "heating", "cooling", "filling", "cleaning", "updating", "initializing", "booting", "on", "true", "yes", "open", "opened", "opening", "closing", "close", "up", "stby", "läuft", "betrieb", "bereit", "offen", "geöffnet", "geschlossen", "zu", "auf", "an", "ein", "ja", "pausiert", "steht", "marche", "prêt", "prête", "arrêt", "arrêté", "fermé", "fermée", "ouvert", "ouverte", "allumé", "éteint", "marcha", "listo", "lista", "parado", "parada", "cerrado", "cerrada", "abierto", "abierta", "encendido", "apagado", "acceso", "spento", "aperto", "aperta", "chiuso", "chiusa", "pronto", "fermo", "praca", "pracuje", "postój", "gotowa", "gotowy", "otwarty", "otwarta", "otwarte", "zamknięty", "zamknięta", "zamknięte", "włączony", "wyłączony", "aan", "uit", "gesloten", "klaar", "maintenance", "wartung", "entretien", "mantenimiento", "manutenzione", "manutenção", "onderhoud", "konserwacja", "vedlikehold", "underhåll"], ORDINARY),
];

const SIZE: usize = 4_096;

/// Words hashed to places; zero is no word.
static WORDS: ([u128; SIZE], [Flags; SIZE]) = build();

#[allow(clippy::indexing_slicing)] // evaluated at compile time: out of bounds does not compile
const fn build() -> ([u128; SIZE], [Flags; SIZE]) {
    let mut built = ([0; SIZE], [0; SIZE]);
    let tables = [TABLE, tongues::TABLE];
    let mut table = 0;
    while table < tables.len() {
        let mut row = 0;
        while row < tables[table].len() {
            let (words, meaning) = tables[table][row];
            let mut n = 0;
            while n < words.len() {
                place(&mut built, pack(words[n].as_bytes()), meaning);
                n += 1;
            }
            row += 1;
        }
        table += 1;
    }
    built
}

#[allow(clippy::indexing_slicing)] // as above
const fn place(built: &mut ([u128; SIZE], [Flags; SIZE]), key: u128, meaning: Flags) {
    let mut place = home(key);
    while built.0[place] != 0 && built.0[place] != key {
        place = (place + 1) % SIZE;
    }
    built.0[place] = key;
    built.1[place] |= meaning;
}

#[allow(clippy::indexing_slicing)] // as above
pub(crate) const fn pack(word: &[u8]) -> u128 {
    let mut packed = 0;
    let mut n = 0;
    while n < word.len() {
        packed = push(packed, word[n]);
        n += 1;
    }
    packed
}

/// `packed` with one more byte, in lower case and without its accent; of a long word the last sixteen bytes stay.
#[inline]
pub(crate) const fn push(packed: u128, byte: u8) -> u128 {
    if byte < 0x80 {
        return packed << 8 | (byte | 0x20) as u128;
    }
    fold(packed, byte)
}

/// The Latin letters of U+00C0 to U+017F without their accents, by the first byte of their UTF-8 and the second; zero:
/// stays as it is.
const LETTERS: [&[u8; 64]; 3] = [
    b"aaaaaaaceeeeiiiidnooooo\0ouuuuy\0saaaaaaaceeeeiiiidnooooo\0ouuuuy\0y",
    b"aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkklllllll",
    b"lllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs",
];

/// Of a letter with an accent its first byte stands until the second comes.
#[cold]
#[allow(clippy::indexing_slicing)] // both are examined
const fn fold(packed: u128, byte: u8) -> u128 {
    let [lead, ..] = packed.to_le_bytes();
    // `¡`, `«`, `»`, `¿`
    if lead == 0xc2 && matches!(byte, 0xa1 | 0xab | 0xbb | 0xbf) {
        return packed >> 8;
    }
    if lead < 0xc3 || lead > 0xc5 || byte & 0xc0 != 0x80 {
        return packed << 8 | byte as u128;
    }
    let letter = LETTERS[(lead - 0xc3) as usize][(byte & 0x3f) as usize];
    let packed = packed & !0xff;
    match (lead, byte) {
        // `ß`
        (0xc3, 0x9f) => (packed | letter as u128) << 8 | letter as u128,
        _ if letter == 0 => (packed | lead as u128) << 8 | byte as u128,
        _ => packed | letter as u128,
    }
}

#[inline]
const fn home(packed: u128) -> usize {
    let x = (low(packed) ^ low(packed >> 61)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let [.., low, high] = x.to_le_bytes();
    u16::from_le_bytes([low, high]) as usize % SIZE
}

/// What the packed word means; zero: nothing.
#[inline]
pub(crate) fn meaning(packed: u128) -> Flags {
    let (keys, flags) = &WORDS;
    let mut place = home(packed);
    loop {
        match keys.get(place) {
            Some(&key) if key == packed => return flags.get(place).copied().unwrap_or(0),
            Some(0) | None => return compound(packed),
            Some(_) => place = (place + 1) % SIZE,
        }
    }
}

const ENDS: [(u128, u32); 10] = [
    end("error"),
    end("fault"),
    end("failure"),
    end("failed"),
    end("alarm"),
    end("störung"),
    end("fehler"),
    end("exception"),
    end("broken"),
    end("lost"),
];
const STARTS: [(u128, u32); 6] = [
    end("overtemp"),
    end("overvolt"),
    end("undervolt"),
    end("overcurr"),
    end("overheat"),
    end("errorc"),
];

const fn end(word: &str) -> (u128, u32) {
    let packed = pack(word.as_bytes());
    (packed, 128 - packed.leading_zeros() / 8 * 8)
}

/// Compounds of languages and makers that write words together.
#[inline]
fn compound(packed: u128) -> Flags {
    let bits = 128 - packed.leading_zeros().min(127);
    if bits <= 40 {
        return 0;
    }
    let length = bits.div_ceil(8) * 8;
    for (end, width) in ENDS {
        let tail = if width >= 128 {
            packed
        } else {
            packed & ((1 << width) - 1)
        };
        if tail == end && packed != const { pack(b"default") } {
            return FAILED;
        }
    }
    for (start, width) in STARTS {
        if length > width && packed >> (length - width) == start {
            return PROBLEM | BAD;
        }
    }
    0
}

/// The words of a text: at most `limit`, each with its meaning and whether it is all digits.
pub(crate) struct Words<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// One word.
#[derive(Clone, Copy)]
pub(crate) struct Word {
    /// Its meaning.
    pub(crate) flags: Flags,
    /// Its bytes in lower case, the last sixteen.
    pub(crate) packed: u128,
    /// First byte and the one behind the last.
    pub(crate) span: (usize, usize),
    /// All digits.
    pub(crate) number: bool,
}

impl<'a> Words<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self {
            bytes: text.as_bytes(),
            at: 0,
        }
    }
}

impl Iterator for Words<'_> {
    type Item = Word;

    fn next(&mut self) -> Option<Word> {
        while let Some(&byte) = self.bytes.get(self.at) {
            if byte.is_ascii_alphanumeric() || byte >= 0x80 {
                break;
            }
            self.at += 1;
        }
        let start = self.at;
        let first = *self.bytes.get(start)?;
        let number = first.is_ascii_digit();
        let mut packed = 0;
        let mut previous = first;
        while let Some(&byte) = self.bytes.get(self.at) {
            let inside = if number {
                byte.is_ascii_digit()
            } else {
                (byte.is_ascii_alphabetic() || byte >= 0x80)
                    && (self.at == start || !self.seam(previous, byte))
            };
            if !inside {
                break;
            }
            packed = push(packed, byte);
            previous = byte;
            self.at += 1;
        }
        let flags = if number { 0 } else { meaning(packed) };
        Some(Word {
            flags,
            packed,
            span: (start, self.at),
            number,
        })
    }
}

impl Words<'_> {
    /// Whether a word of a key in camel case begins at `byte`: `fixFailed`, `LEDError`.
    #[inline]
    fn seam(&self, previous: u8, byte: u8) -> bool {
        if !byte.is_ascii_uppercase() {
            return false;
        }
        previous.is_ascii_lowercase()
            || (previous.is_ascii_uppercase()
                && self
                    .bytes
                    .get(self.at + 1)
                    .is_some_and(u8::is_ascii_lowercase))
    }
}
