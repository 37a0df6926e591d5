//! The fences of the rooms that only a service has.

use crate::fences::{module, rooms_named, sources};

/// Rooms of the service, and all that each may import.
const SERVICE: &[(&str, &[&str])] = &[
    ("journal", &[]),
    ("app", &["broker", "config", "journal", "render", "text"]),
    // Read-only by construction: a button is a command of `app`.
    ("monitor", &["app", "journal"]),
];

#[test]
fn rooms_of_the_service_import_what_they_may() {
    let mut broken = Vec::new();
    for (path, code) in sources() {
        let (Some(room), true) = (module(&path).first().cloned(), path.starts_with("server/"))
        else {
            continue;
        };
        let Some((_, allowed)) = SERVICE.iter().find(|(name, _)| *name == room) else {
            continue;
        };
        for named in rooms_named(&path, &code) {
            if named != room && !allowed.contains(&named.as_str()) {
                broken.push(format!("{path}: {room} imports {named}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
