//! Topic Names and Topic Filters (4.7): the standard's own examples, and the bounds.

use bitsperity_mqtt_core::topic::{
    TopicError, covers, matches, overlaps, validate_filter, validate_name,
};
use proptest::prelude::*;

#[test]
fn filters_match_as_the_standard_says() {
    for (filter, name, expected) in [
        ("sport/tennis/player1/#", "sport/tennis/player1", true), // 4.7.1.2
        (
            "sport/tennis/player1/#",
            "sport/tennis/player1/ranking",
            true,
        ),
        (
            "sport/tennis/player1/#",
            "sport/tennis/player1/score/wimbledon",
            true,
        ),
        ("sport/tennis/player1/#", "sport/tennis/player2", false),
        ("sport/#", "sport", true),
        ("#", "a", true),
        ("#", "/", true),
        ("sport/tennis/+", "sport/tennis/player1", true), // 4.7.1.3
        ("sport/tennis/+", "sport/tennis/player1/ranking", false),
        ("sport/+", "sport", false),
        ("sport/+", "sport/", true),
        ("+", "finance", true),
        ("+", "/finance", false),
        ("+/+", "/finance", true),
        ("/+", "/finance", true),
        ("+/tennis/#", "sport/tennis", true),
        ("#", "$SYS/broker", false), // [MQTT-4.7.2-1]
        ("+/monitor/Clients", "$SYS/monitor/Clients", false),
        ("$SYS/#", "$SYS/", true),
        ("$SYS/#", "$SYS", true),
        ("$SYS/monitor/+", "$SYS/monitor/Clients", true),
        ("a/+", "a/$x", true),
        ("$share/g/#", "a/b", true), // 4.8.2
        ("$share/g/#", "$SYS/x", false),
        ("$share/g/$SYS/#", "$SYS/x", true),
        ("$share/g/a", "$share/g/a", false),
        ("$share/g//a", "/a", true),
        ("ACCOUNTS", "Accounts", false), // 4.7.3
        ("a/b", "a/b", true),
        ("a/b", "a/b/", false),
        ("a//b", "a/b", false),
        ("a/+/b", "a//b", true),
        ("ä/+/€", "ä/😀/€", true),
    ] {
        assert_eq!(matches(filter, name), expected, "{filter} {name}");
    }
}

#[test]
fn names_are_valid_or_say_where_not() {
    let longest = "x".repeat(65_535);
    let too_long = "x".repeat(65_536);
    for (name, expected) in [
        ("", Err(TopicError::Empty)),
        ("/", Ok(())),
        (longest.as_str(), Ok(())),
        (too_long.as_str(), Err(TopicError::TooLong)), // [MQTT-4.7.3-3]
        ("a/+", Err(TopicError::Wildcard(2))),
        ("a/b/c/d/e/f/g/#", Err(TopicError::Wildcard(14))),
        ("a\0+", Err(TopicError::Nul(1))),
    ] {
        assert_eq!(validate_name(name), expected);
    }
    assert_eq!(validate_filter(&longest), Ok(()));
    assert_eq!(validate_filter(&too_long), Err(TopicError::TooLong));
}

#[test]
fn a_special_byte_is_found_at_every_place_of_every_length() {
    for length in (1..40).step_by(if cfg!(miri) { 13 } else { 1 }) {
        for at in 0..length {
            for (special, expected) in [
                ('\0', TopicError::Nul as fn(u16) -> TopicError),
                ('+', TopicError::Wildcard),
                ('#', TopicError::Wildcard),
            ] {
                let expected = expected(u16::try_from(at).unwrap());
                let mut name: Vec<char> = vec!['a'; length];
                name[at] = special;
                let name: String = name.into_iter().collect();
                assert_eq!(validate_name(&name), Err(expected));
            }
        }
        for plain in (1..128_u8).filter(|byte| !b"+#".contains(byte)) {
            let name = String::from_utf8(vec![plain; length]).unwrap();
            assert_eq!(validate_name(&name), Ok(()), "{plain}");
        }
    }
    for plain in ["ä", "€", "😀", "\u{ff}", "\u{a3}", "\u{ab}", "\u{80}", "ࠀ"] {
        assert_eq!(validate_name(&plain.repeat(20)), Ok(()));
    }
}

/// Matching as 4.7.1 tells it, level by level.
fn matches_by_levels(filter: &str, name: &str) -> bool {
    let (filter, name): (Vec<_>, Vec<_>) = (filter.split('/').collect(), name.split('/').collect());
    let whole = filter.last() != Some(&"#");
    let levels = filter.len() - usize::from(!whole);
    let fits = if whole {
        name.len() == levels
    } else {
        name.len() >= levels
    };
    let hidden = name[0].starts_with('$') && ["+", "#"].contains(&filter[0]);
    fits && !hidden && (0..levels).all(|at| filter[at] == "+" || filter[at] == name[at])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 4 } else { 1000 }, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn matching_is_what_the_levels_say(
        filter in "([ab$]{0,2}|[+])(/([ab]{0,2}|[+])){0,3}(/#)?|#",
        name in "[ab$]{0,2}(/[ab]{0,2}){0,3}",
    ) {
        prop_assume!(!filter.is_empty() && !name.is_empty());
        prop_assert_eq!(validate_filter(&filter), Ok(()));
        prop_assert_eq!(matches(&filter, &name), matches_by_levels(&filter, &name));
    }
}

#[test]
fn a_filter_covers_what_it_matches_and_no_more() {
    for (wide, narrow, expected) in [
        ("#", "a/+/b", true),
        ("#", "#", true),
        ("#", "$SYS/#", false),
        ("+/x", "$SYS/x", false),
        ("$SYS/#", "$SYS/broker/+", true),
        ("a/#", "a", true),
        ("a/#", "a/+", true),
        ("a/#", "ab", false),
        ("a/+", "a/b", true),
        ("a/+", "a/+", true),
        ("a/+", "a/#", false),
        ("a/+", "a/b/c", false),
        ("a/+", "a", false),
        ("a/b", "a/+", false),
        ("a/b", "a/b", true),
        ("a//#", "a//b", true),
        ("$share/g/a", "$share/g/a", false),
        ("#", "$share/g/a", false),
    ] {
        assert_eq!(covers(wide, narrow), expected, "{wide} {narrow}");
    }
    // Against what matches says of every short name.
    let (filters, names) = short_filters_and_names();
    for wide in &filters {
        for narrow in filters.iter().filter(|narrow| covers(wide, narrow)) {
            for name in names.iter().filter(|name| matches(narrow, name)) {
                assert!(
                    matches(wide, name),
                    "{wide} covers {narrow}, which matches {name}"
                );
            }
        }
    }
}

/// Every filter and every name of few levels.
fn short_filters_and_names() -> (Vec<String>, Vec<String>) {
    let levels = ["", "a", "b", "$a"];
    let wild = ["+", "a", "b", "", "$a"];
    let mut filters = vec!["#".to_owned()];
    for one in wild {
        filters.push(one.to_owned());
        filters.push(format!("{one}/#"));
        for two in wild {
            filters.push(format!("{one}/{two}"));
            filters.push(format!("{one}/{two}/#"));
        }
    }
    filters.retain(|filter| validate_filter(filter).is_ok());
    let mut names: Vec<String> = levels.map(str::to_owned).to_vec();
    for depth in 0..2 {
        let longer = names
            .clone()
            .into_iter()
            .filter(|name| name.matches('/').count() == depth);
        let longer: Vec<_> = longer
            .flat_map(|name| levels.map(|level| format!("{name}/{level}")))
            .collect();
        names.extend(longer);
    }
    names.retain(|name| validate_name(name).is_ok());
    (filters, names)
}

#[test]
fn filters_overlap_when_a_name_matches_both() {
    for (one, other) in [("$share/g/a", "b"), ("a", "$share/g/a")] {
        assert!(overlaps(one, other), "{one} {other}: in doubt");
    }
    let (filters, mut names) = short_filters_and_names();
    names.push(String::new()); // `+` and `/#` have only this one in common, which is no Topic Name
    for one in &filters {
        for other in &filters {
            let both = |name: &&String| matches(one, name) && matches(other, name);
            let expected = names.iter().any(|name| both(&name));
            assert_eq!(overlaps(one, other), expected, "{one} {other}");
        }
    }
}
