//! Credentials at rest: sealed with XChaCha20-Poly1305 under a key born with the process, opened only for the moment of a
//! CONNECT, wiped after. The cipher is used nowhere else.
//!
//! Invariant: neither [`Sealed`] nor [`Opened`] has `Debug`, `Display` or `Serialize`; the assertions at
//! the end of this file do not compile otherwise.

use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{Key, KeyInit, XChaCha20Poly1305, XNonce};
use std::sync::OnceLock;
use zeroize::Zeroizing;

/// Binds what is sealed here to its purpose.
const PURPOSE: &[u8] = b"MQTT CONNECT credentials";

/// Bytes of an XChaCha20 nonce: long enough to be drawn at random each time.
const NONCE: usize = 24;

/// Bytes of the authentication tag.
const TAG: usize = 16;

/// User name and password, sealed. No `Debug`, no `Display`, no `Serialize`.
pub struct Sealed {
    nonce: [u8; NONCE],
    /// Cipher text with the tag behind it.
    sealed: Zeroizing<Vec<u8>>,
}

/// User name and password in the open, wiped when dropped: to be held for one CONNECT only.
pub struct Opened {
    plain: Zeroizing<Vec<u8>>,
}

/// The system's random generator gave nothing; no key, no sealing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoRandom;

impl Sealed {
    /// Seals under a fresh nonce.
    ///
    /// # Errors
    /// The system has no random bytes.
    pub fn seal(user_name: Option<&str>, password: Option<&[u8]>) -> Result<Self, NoRandom> {
        let mut plain = Zeroizing::new(Vec::with_capacity(
            10 + user_name.map_or(0, str::len) + password.map_or(0, <[u8]>::len) + TAG,
        ));
        push_field(&mut plain, user_name.map(str::as_bytes));
        push_field(&mut plain, password);
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| NoRandom)?;
        cipher()?
            .encrypt_in_place(&XNonce::from(nonce), PURPOSE, &mut *plain)
            .map_err(|_| NoRandom)?;
        Ok(Self {
            nonce,
            sealed: plain,
        })
    }

    /// Opens into memory that is wiped when the result is dropped; `None` if it was not sealed by this process.
    pub fn open(&self) -> Option<Opened> {
        let mut plain = Zeroizing::new(self.sealed.to_vec());
        cipher()
            .ok()?
            .decrypt_in_place(&XNonce::from(self.nonce), PURPOSE, &mut *plain)
            .ok()?;
        Some(Opened { plain })
    }
}

impl Opened {
    /// User Name.
    pub fn user_name(&self) -> Option<&str> {
        let (user_name, _) = take_field(&self.plain)?;
        std::str::from_utf8(user_name?).ok()
    }

    /// Password.
    pub fn password(&self) -> Option<&[u8]> {
        let (_, rest) = take_field(&self.plain)?;
        take_field(rest)?.0
    }
}

/// One field: whether it is there, its length, its bytes.
fn push_field(plain: &mut Vec<u8>, field: Option<&[u8]>) {
    plain.push(u8::from(field.is_some()));
    let field = field.unwrap_or_default();
    let length = u32::try_from(field.len()).unwrap_or(u32::MAX);
    plain.extend_from_slice(&length.to_be_bytes());
    plain.extend_from_slice(field);
}

fn take_field(plain: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let (present, rest) = plain.split_first()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (field, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    Some(((*present == 1).then_some(field), rest))
}

fn cipher() -> Result<XChaCha20Poly1305, NoRandom> {
    static KEY: OnceLock<Option<Zeroizing<[u8; 32]>>> = OnceLock::new();
    let key = KEY.get_or_init(|| {
        let mut key = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *key).ok().map(|()| key)
    });
    match key {
        Some(key) => Ok(XChaCha20Poly1305::new(&Key::from(**key))),
        None => Err(NoRandom),
    }
}

/// Fails to compile if `$type` has `$trait`: then `item` below is ambiguous.
macro_rules! assert_lacks {
    ($type:ty: $($trait:path),+) => {$(
        const _: () = {
            trait Ambiguous<Marker> {
                fn item() {}
            }
            impl<T: ?Sized> Ambiguous<()> for T {}
            impl<T: ?Sized + $trait> Ambiguous<u8> for T {}
            let _ = <$type as Ambiguous<_>>::item;
        };
    )+};
}

assert_lacks!(Sealed: std::fmt::Debug, std::fmt::Display, serde::Serialize, Clone);
assert_lacks!(Opened: std::fmt::Debug, std::fmt::Display, serde::Serialize, Clone);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_what_was_sealed() {
        for (user_name, password) in [
            (None, None),
            (Some("lena"), None),
            (Some(""), Some(&b""[..])),
            (Some("lena"), Some(&b"s\0\xff:@/"[..])),
            (None, Some(&b"only a password"[..])),
        ] {
            let sealed = Sealed::seal(user_name, password).expect("random bytes");
            let opened = sealed.open().expect("sealed here");
            assert_eq!(opened.user_name(), user_name);
            assert_eq!(opened.password(), password);
        }
    }

    #[test]
    fn shows_nothing_and_never_twice_the_same() {
        let first = Sealed::seal(Some("lena"), Some(b"correct horse")).expect("random bytes");
        let second = Sealed::seal(Some("lena"), Some(b"correct horse")).expect("random bytes");
        assert_ne!(first.nonce, second.nonce);
        assert_ne!(*first.sealed, *second.sealed);
        assert!(!first.sealed.windows(4).any(|w| w == b"lena"));
        assert!(!first.sealed.windows(5).any(|w| w == b"horse"));
    }

    #[test]
    fn refuses_what_was_changed() {
        let mut sealed = Sealed::seal(Some("lena"), Some(b"secret")).expect("random bytes");
        sealed.sealed[0] ^= 1;
        assert!(sealed.open().is_none());
    }
}
