//! Credentials at rest: sealed with XChaCha20-Poly1305 under a key born with the process, opened only for the moment of a
//! CONNECT, wiped after.

/// A secret in memory, wiped when dropped. No `Debug`, no `Display`, no `Serialize`.
pub struct Secret(pub(crate) zeroize::Zeroizing<Vec<u8>>);

/// User name and password, sealed. No `Debug`, no `Display`, no `Serialize`.
pub struct Sealed {}
