//! The token that HTTP demands: made once, kept in a file that only its owner reads, compared in constant time.
//!
//! Invariant: the token itself stays in memory no longer than it takes to print it; what is kept of it are two keyed
//! hashes, one to compare with and one that seals session ids.

use crate::process::clock;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// Random bytes of a token.
const BYTES: usize = 32;
/// Characters that a token of somebody else must have where others can reach us.
pub const MIN_CHARACTERS: usize = 32;
/// Wrong tokens from one address before it waits.
const FREE: u32 = 5;
/// What it waits for each further one.
const WAIT: Duration = Duration::from_secs(1);
/// An address that behaved for so long is forgotten.
const FORGIVEN: Duration = Duration::from_secs(60);
/// Addresses that are remembered.
const REMEMBERED: usize = 1_024;

/// A token in the clear.
pub type Plain = Zeroizing<String>;

/// A new one.
///
/// # Errors
/// The system has no random bytes.
pub fn make() -> io::Result<Plain> {
    let mut bytes = Zeroizing::new([0; BYTES]);
    getrandom::fill(bytes.as_mut()).map_err(io::Error::other)?;
    Ok(Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_ref())))
}

/// The token of a file, without white space around it; none if there is no such file.
///
/// # Errors
/// It cannot be read, or holds no token.
pub fn read(path: &Path) -> io::Result<Option<Plain>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let token = text.trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        let why = "holds no token: one line of printable ASCII without blanks";
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    Ok(Some(Zeroizing::new(token.to_owned())))
}

/// Writes a token where only its owner reads it; the folder is made, for its owner alone. The file is whole or not there.
///
/// # Errors
/// The file system's.
pub fn write(path: &Path, token: &Plain) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        private_folder(folder)?;
    }
    let beside = path.with_extension("new");
    let _ = fs::remove_file(&beside);
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    file.write_all(token.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

/// Makes a folder that only its owner enters, and those above it.
pub(crate) fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// What is kept of the token, and who gave wrong ones.
pub struct Guard {
    compare: hmac::Key,
    expected: hmac::Tag,
    /// Seals session ids; another token makes others.
    pub(super) sessions: hmac::Key,
    wrong: Mutex<HashMap<IpAddr, Wrong>>,
}

struct Wrong {
    count: u32,
    last: Instant,
}

impl Guard {
    /// Of a token.
    ///
    /// # Errors
    /// The system has no random bytes.
    pub fn new(token: &Plain) -> io::Result<Self> {
        let mut random = Zeroizing::new([0; BYTES]);
        getrandom::fill(random.as_mut()).map_err(io::Error::other)?;
        let compare = hmac::Key::new(hmac::HMAC_SHA256, random.as_ref());
        let seal = hmac::Key::new(hmac::HMAC_SHA256, token.as_bytes());
        let seal = hmac::sign(&seal, b"session ids");
        Ok(Self {
            expected: hmac::sign(&compare, token.as_bytes()),
            compare,
            sessions: hmac::Key::new(hmac::HMAC_SHA256, seal.as_ref()),
            wrong: Mutex::default(),
        })
    }

    /// Whether this is the token. Takes the same time wherever it differs.
    pub(super) fn is_right(&self, token: &[u8]) -> bool {
        hmac::verify(&self.compare, token, self.expected.as_ref()).is_ok()
    }

    /// Notes a wrong token; says how long its answer waits.
    pub(super) fn wrong(&self, from: IpAddr) -> Duration {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock::now();
        wrong.retain(|_, it| now.saturating_duration_since(it.last) < FORGIVEN);
        if wrong.len() >= REMEMBERED && !wrong.contains_key(&from) {
            return WAIT;
        }
        let entry = wrong.entry(from).or_insert(Wrong {
            count: 0,
            last: now,
        });
        entry.count = entry.count.saturating_add(1);
        entry.last = now;
        match entry.count > FREE {
            true => WAIT,
            false => Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Plain {
        Zeroizing::new(text.to_owned())
    }

    #[test]
    fn a_token_is_known_again_and_nothing_else_is() {
        let token = make().unwrap();
        assert_eq!(token.len(), 43);
        let guard = Guard::new(&token).unwrap();
        assert!(guard.is_right(token.as_bytes()));
        let other = make().unwrap();
        for wrong in [b"".as_slice(), &token.as_bytes()[1..], other.as_bytes()] {
            assert!(!guard.is_right(wrong));
        }
    }

    #[test]
    fn the_sixth_wrong_token_of_an_address_waits() {
        let guard = Guard::new(&plain("t")).unwrap();
        let (one, other) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([10, 0, 0, 1]));
        for _ in 0..5 {
            assert_eq!(guard.wrong(one), Duration::ZERO);
        }
        assert_eq!(guard.wrong(one), WAIT);
        assert_eq!(guard.wrong(other), Duration::ZERO);
    }

    #[cfg(unix)]
    #[test]
    fn a_token_is_written_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state").join("token");
        assert!(read(&path).unwrap().is_none());
        for token in ["first", "second"] {
            write(&path, &plain(token)).unwrap();
            assert_eq!(read(&path).unwrap().unwrap().as_str(), token);
        }
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        for bad in ["", " \n", "two words"] {
            fs::write(&path, bad).unwrap();
            assert!(read(&path).is_err(), "{bad:?}");
        }
    }
}
