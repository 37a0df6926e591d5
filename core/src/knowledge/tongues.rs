//! What words of six languages mean in prose and in states, beside those of [`super::words`]: English, German, French,
//! Spanish, Italian, Polish, a little Dutch and Portuguese. Accents are folded (`é` is `e`, `ß` is `ss`), so that one
//! spelling is enough. The rules that put them together are in `payload::prose`.

use super::words::*;

/// In prose: a quantity or a supply is little, much or used up, if one is named.
pub(crate) const POOR: Flags = 1 << 43;
/// In prose: there is none of what stands before it, if nothing follows.
pub(crate) const ABSENT: Flags = 1 << 44;
/// In prose: what a thing should do; with a denial it does not.
pub(crate) const ABLE: Flags = 1 << 45;
/// In prose: a bound.
pub(crate) const BOUND: Flags = 1 << 46;
/// In prose: beyond something; with a bound it is too much.
pub(crate) const BEYOND: Flags = 1 << 47;
/// In prose: `too`.
pub(crate) const TOO: Flags = 1 << 48;
/// In prose: a sensor has seen it.
pub(crate) const SEEN: Flags = 1 << 49;
/// In prose: a supply, or where it is kept.
pub(crate) const SUPPLY: Flags = 1 << 50;
/// In prose: a danger once it is seen.
pub(crate) const HAZARD: Flags = 1 << 51;
/// In prose: a stop; with an emergency it is one.
pub(crate) const HALT: Flags = 1 << 52;
/// In prose: what follows may happen, or may not.
pub(crate) const IF: Flags = 1 << 53;
/// In prose: something is explained.
pub(crate) const MEANS: Flags = 1 << 54;
/// In prose: something is shown, or explained if what is well is named beside it.
pub(crate) const SHOWS: Flags = 1 << 55;
/// In prose: the one before now.
pub(crate) const LATEST: Flags = 1 << 56;
/// In prose: a thing wants care.
pub(crate) const SHABBY: Flags = 1 << 57;
/// A level that is a warning, but only where a level stands.
pub(crate) const HEED: Flags = 1 << 58;
/// In prose: an emergency.
pub(crate) const URGENT: Flags = 1 << 59;
/// In prose: an alarm.
pub(crate) const ALARM: Flags = 1 << 60;
/// In prose: `if`, but a mere pronoun in a sister language; what it brings decides.
pub(crate) const PERHAPS: Flags = 1 << 61;

#[rustfmt::skip]
pub(super) const TABLE: &[(&[&str], Flags)] = &[
    (&["defaut", "defauts", "pannes", "erreurs", "anomalie", "defaillance", "averias", "fallos", "fallas", "guasti", "avaria", "avarie", "awaria", "awarii", "awarie", "usterka", "usterki", "blad", "bledu", "bledy", "bledow", "falha", "erro", "schaden", "motorschaden", "totalausfall"], FAILED | CRASH),
    (&["kaputt", "defectueux", "defectueuse", "defectuoso", "defectuosa", "difettoso", "difettosa", "averiado", "averiada", "uszkodzony", "uszkodzona", "uszkodzone", "zepsuty", "zepsuta", "blockiert", "verklemmt", "klemmt", "bloquee", "bloqueado", "bloqueada", "bloccato", "bloccata", "zablokowany", "zablokowana", "zablokowane", "geblokkeerd", "seized", "gestort", "ausgefallen", "grippe", "atascado", "atascada", "inceppato", "inceppata", "zaciety", "zacieta"], BAD | WRONG),
    (&["bloque", "stuck", "broken", "guasta", "rotto", "roto"], BAD | WRONG),
    (&["uberhitzung", "uberhitzt", "ueberhitzung", "surchauffe", "sobrecalentamiento", "surriscaldamento", "przegrzanie", "przegrzany", "oververhitting", "sovraccarico", "sobrecarga", "przeciazenie", "cortocircuito", "zwarcie", "kortsluiting"], PROBLEM | BAD | WRONG),
    (&["perdu", "perdio", "persa", "perso", "utracono", "utracona", "utracony", "zerwane", "zerwano", "verbroken"], BAD | WRONG),
    (&["odrzucone"], BAD | WRONG),
    (&["gescheitert", "echoue", "echouee", "fallito", "fallita", "fallido", "fallida", "nieudany", "nieudana", "nieudane", "mislukt", "imposible", "impossibile", "niemozliwe", "nothalt", "notaus", "notstopp", "noodstop", "wassereinbruch", "einbruch", "einbrecher", "wlamanie", "rohrbruch"], WRONG),
    (&["attention", "attenzione", "atencion", "achtung", "uwaga", "aviso", "avviso"], HEED),
    (&["avertissement", "advertencia", "avvertimento", "avvertenza", "ostrzezenie", "waarschuwing"], MINOR | DOUBTFUL),
    (&["krytyczny", "krytyczna", "krytyczne", "critico", "critica", "critique"], SEVERE | BAD),
    (&["low", "weak", "empty", "high", "leer", "schwach", "niedrig", "niedriger", "niedrige", "hoch", "hohe", "faible", "bas", "basse", "vide", "eleve", "elevee", "haute", "baja", "bajo", "vacio", "vacia", "alto", "alta", "elevado", "elevada", "agotada", "basso", "bassa", "scarico", "scarica", "vuoto", "vuota", "elevato", "elevata", "niski", "niska", "niskie", "slaby", "slaba", "slabe", "wysoki", "wysoka", "wysokie", "pusty", "pusta", "rozladowana", "laag", "leeg", "zwak", "hoog"], POOR),
    (&["overdue", "clogged", "dirty", "worn", "unstable", "uberfallig", "verschmutzt", "verstopft", "verschlissen", "instabil", "encrasse", "instable", "sucio", "obstruido", "desgastado", "inestable", "sporco", "intasato", "usura", "usurato", "instabile", "zabrudzony", "zatkany", "zuzyty", "niestabilny", "niestabilne", "vervuild", "instabiel"], SHABBY),
    (&["nearly", "too", "zu", "trop", "demasiado", "demasiada", "troppo", "troppa", "zbyt", "za", "te"], TOO),
    (&["limit", "threshold", "maximum", "minimum", "setpoint", "grenzwert", "schwellwert", "sollwert", "seuil", "limite", "umbral", "minimo", "maximo", "soglia", "massimo", "prog", "progu", "limitu", "drempel"], BOUND),
    (&["above", "over", "below", "under", "exceeds", "exceeded", "uber", "ueber", "unter", "uberschritten", "unterschritten", "uberschreitet", "dessus", "dessous", "depasse", "depassee", "encima", "debajo", "supera", "superado", "sopra", "sotto", "superato", "oltre", "powyzej", "ponizej", "przekroczono", "przekroczony", "przekroczona", "boven", "onder"], BEYOND),
    (&["detected", "triggered", "erkannt", "festgestellt", "ausgelost", "ausgeloest", "detecte", "detectee", "declenche", "declenchee", "detectado", "detectada", "disparado", "disparada", "rilevato", "rilevata", "scattato", "wykryto", "wykryty", "wyzwolony", "gedetecteerd"], SEEN),
    (&["tank", "silo", "fuel", "oil", "water", "coolant", "salt", "toner", "ink", "level", "kraftstoff", "ol", "stand", "niveau", "reservoir", "huile", "carburant", "nivel", "deposito", "aceite", "combustible", "livello", "serbatoio", "olio", "carburante", "poziom", "zbiornik", "olej", "oleju", "paliwa", "paliwo", "peil", "stan", "vibration", "vibracion", "vibrazione", "wibracje", "drgania", "lozyska", "cisnienie", "pile", "pila", "bateria", "baterii", "batteria", "batterij", "accu"], SUPPLY),
    (&["smoke", "leak", "flood", "gas", "fire", "intrusion", "intruder", "burglary", "rauch", "feuer", "leck", "leckage", "wasser", "hindernis", "fumee", "incendie", "fuite", "inondation", "eau", "gaz", "intrus", "obstacle", "humo", "incendio", "fuga", "inundacion", "agua", "intruso", "obstaculo", "fumo", "perdita", "acqua", "allagamento", "intrusione", "ostacolo", "dym", "pozar", "wyciek", "zalanie", "wody", "przeszkoda", "rook", "lek"], HAZARD),
    (&["alarm", "alarme", "alarma", "allarme"], ALARM),
    (&["stop", "stopp", "halt", "arret", "parada", "paro", "arresto", "zatrzymanie", "stopped"], HALT),
    (&["emergency", "urgence", "emergencia", "emergenza", "awaryjne", "awaryjny", "awaryjnego"], URGENT),
    (&["could", "respond", "responds", "kann", "konnte", "antwortet", "reagiert", "startet", "schliesst", "offnet", "peut", "pu", "repond", "demarre", "pudo", "puede", "pudieron", "responde", "arranca", "abre", "cierra", "puo", "potuto", "risponde", "apre", "chiude", "mozna", "udalo", "odpowiada", "dziala", "uruchomil", "uruchomila", "uruchomilo", "kan", "kon", "reageert"], ABLE),
    (&["none", "nil", "null", "keiner", "keines", "keine", "aucun", "aucune", "ninguno", "ninguna", "nessuno", "nessuna", "brak", "geen", "nada", "niente", "rien"], ABSENT),
    (&["keiner", "keines", "keinem", "ne", "ninguna", "ningun", "nessuno", "brak", "bez", "nie", "niet", "nenhum", "nenhuma", "zaden", "zadnych"], NOT | FINE),
    (&["if", "when", "whenever", "wenn", "falls", "sobald", "bei", "quand", "lorsque", "cas", "cuando", "caso", "quando", "jesli", "jezeli", "gdy", "kiedy", "przypadku", "indien"], IF),
    (&["si", "se"], PERHAPS),
    (&["means", "contains", "explains", "describes", "bedeutet", "enthalt", "erklart", "beschreibt", "signifie", "contient", "explique", "decrit", "significa", "contiene", "explica", "spiega", "descrive", "oznacza", "zawiera", "opisuje"], MEANS),
    (&["signals", "indicates", "shows", "reports", "zeigt", "signalisiert", "meldet", "signale", "indique", "indica", "segnala", "senala", "sygnalizuje", "wskazuje"], SHOWS),
    (&["last", "latest", "previous", "letzter", "letzte", "letztes", "dernier", "derniere", "ultimo", "ultima", "ostatni", "ostatnia", "ostatnie", "laatste", "vorige"], LATEST),
    (&["repaired", "replaced", "deactivated", "disarmed", "deaktiviert", "unscharf", "entscharft", "gewechselt", "repariert", "quittiert", "beseitigt", "wiederhergestellt", "desactive", "desactivee", "desarme", "desarmee", "resolu", "resolue", "corrige", "corrigee", "repare", "reparee", "acquitte", "acquittee", "retabli", "retablie", "desactivado", "desactivada", "desarmado", "desarmada", "resuelto", "resuelta", "solucionado", "solucionada", "reparado", "reparada", "restablecido", "restablecida", "disattivato", "disattivata", "disinserito", "risolto", "risolta", "riparato", "riparata", "ripristinato", "ripristinata", "rozbrojony", "rozbrojona", "usuniety", "usunieta", "usuniete", "usunieto", "naprawiono", "naprawiony", "naprawiona", "przywrocono", "przywrocone", "przywrocona", "opgelost", "hersteld", "uitgeschakeld"], OVER | FINE),
    (&["wylaczony", "wylaczona", "eteint", "eteinte", "apagado", "apagada", "spento", "spenta", "abgeschaltet", "ausgeschaltet"], FINE),
    (&["erfolgreich", "test", "testalarm"], ABOUT | FINE),
    (&["normale", "fonctionnement", "betriebsbereit", "listo", "sprawny"], FINE),
    (&["seuil", "umbral", "soglia", "prog", "schwelle", "schwellwert", "grenzwert", "limite", "delai", "retardo", "ritardo", "opoznienie", "verzogerung", "verzoegerung", "drempel"], SETTING),
    (&["stan"], STATUS | PLAIN),
    (&["mensaje", "messaggio", "komunikat"], TEXT | PLAIN),
];
