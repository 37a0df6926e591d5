//! TLS by rustls with ring: roots of the system or a CA of the user's, client certificates, or no check at all where the
//! user asked for that. What rustls says is told in the user's words.
//!
//! In TLS 1.3 a refused client certificate shows only at the first read: [`explain_first_read`].

use super::paced::Paced;
use super::tcp::system_words;
use super::trust::{self, Checked, Seen, Unchecked};
use crate::broker::error::Cause;
use crate::config::target::Target;
use async_std::net::TcpStream;
use futures_rustls::TlsConnector;
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{AlertDescription, ClientConfig, Error, ProtocolVersion, RootCertStore};
use std::io;
use std::path::Path;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Bytes of the largest PEM file that is read: a bundle of all public roots has 220 KiB.
const MAX_PEM: u64 = 2 * 1024 * 1024;

pub(super) type TlsStream = futures_rustls::client::TlsStream<Paced<TcpStream>>;

/// The handshake, with SNI where the host is a name.
pub(super) async fn connect(target: &Target, tcp: Paced<TcpStream>) -> Result<TlsStream, Cause> {
    let seen = Arc::new(Seen::default());
    let config = config(target, &seen).await?;
    let name = ServerName::try_from(target.plain_host().to_owned()).map_err(|_| {
        Cause::Unusable(format!(
            "\"{}\" is no name a certificate can have",
            target.host
        ))
    })?;
    TlsConnector::from(Arc::new(config))
        .connect(name, tcp)
        .await
        .map_err(|error| explain(target, &error, &seen))
}

/// `TLS 1.3`.
pub(super) fn version(stream: &TlsStream) -> Option<String> {
    let version = match stream.get_ref().1.protocol_version()? {
        ProtocolVersion::TLSv1_3 => "TLS 1.3".to_owned(),
        ProtocolVersion::TLSv1_2 => "TLS 1.2".to_owned(),
        other => format!("TLS {:#06x}", u16::from(other)),
    };
    Some(version)
}

async fn config(target: &Target, seen: &Arc<Seen>) -> Result<ClientConfig, Cause> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|_| Cause::Tls("TLS cannot be set up".into()))?
        .dangerous();
    let builder = if target.insecure_tls {
        builder.with_custom_certificate_verifier(Arc::new(Unchecked(provider)))
    } else {
        let checked = checked(target.ca_file.as_deref(), provider, seen).await?;
        builder.with_custom_certificate_verifier(Arc::new(checked))
    };
    match (&target.client_cert, &target.client_key) {
        (Some(cert), Some(key)) => {
            let chain = certificates("client_cert", cert).await?;
            let key_name = key.display().to_string();
            let key = private_key(key).await?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| match error {
                    Error::InconsistentKeys(_) => Cause::ClientKeyMisfit(key_name),
                    _ => Cause::File(
                        "client_key",
                        key_name,
                        "is of a kind that is not supported (RSA from 2,048 bits, ECDSA with P-256 or P-384 and Ed25519 are)".into(),
                    ),
                })
        }
        (None, None) => Ok(builder.with_no_client_auth()),
        _ => Err(Cause::Unusable(
            "client_cert and client_key are needed together".into(),
        )),
    }
}

/// Checks against `ca_file`, or against what the system trusts.
async fn checked(
    ca_file: Option<&Path>,
    provider: Arc<CryptoProvider>,
    seen: &Arc<Seen>,
) -> Result<Checked, Cause> {
    let mut roots = RootCertStore::empty();
    let mut known = Vec::new();
    if let Some(file) = ca_file {
        known = certificates("ca_file", file).await?;
        for (at, certificate) in known.iter().enumerate() {
            roots.add(certificate.clone()).map_err(|_| {
                let why = format!("its certificate {} is not one of X.509", at + 1);
                Cause::File("ca_file", file.display().to_string(), why)
            })?;
        }
    } else {
        // Reads some hundred files on some systems.
        let found = async_std::task::spawn_blocking(rustls_native_certs::load_native_certs).await;
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            return Err(Cause::NoRoots);
        }
    }
    let by = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|_| Cause::NoRoots)?;
    Ok(Checked {
        by,
        known,
        seen: seen.clone(),
    })
}

async fn certificates(
    what: &'static str,
    file: &Path,
) -> Result<Vec<CertificateDer<'static>>, Cause> {
    let wrong = |why: &str| Cause::File(what, file.display().to_string(), why.to_owned());
    let pem = read(what, file).await?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|_| wrong("is not well-formed PEM"))?;
    if certificates.is_empty() {
        return Err(wrong("holds no PEM certificate"));
    }
    Ok(certificates)
}

async fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, Cause> {
    let wrong = |why: &str| Cause::File("client_key", file.display().to_string(), why.to_owned());
    let pem = read("client_key", file).await?;
    if is_encrypted(&pem) {
        return Err(wrong(
            "is encrypted with a passphrase, which is not supported",
        ));
    }
    PrivateKeyDer::from_pem_slice(&pem).map_err(|_| wrong("holds no PEM private key"))
}

fn is_encrypted(pem: &[u8]) -> bool {
    let holds = |words: &[u8]| pem.windows(words.len()).any(|window| window == words);
    holds(b"BEGIN ENCRYPTED PRIVATE KEY") || holds(b"Proc-Type: 4,ENCRYPTED")
}

/// Wiped after use: it may be a private key.
async fn read(what: &'static str, file: &Path) -> Result<Zeroizing<Vec<u8>>, Cause> {
    let wrong = |why: String| Cause::File(what, file.display().to_string(), why);
    let words = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => wrong("does not exist".into()),
        io::ErrorKind::PermissionDenied => wrong("may not be read by this process".into()),
        _ => wrong(system_words(&error)),
    };
    let about = async_std::fs::metadata(file).await.map_err(words)?;
    if !about.is_file() {
        return Err(wrong("is not a file".into()));
    }
    if about.len() > MAX_PEM {
        return Err(wrong(format!("is larger than {MAX_PEM} bytes")));
    }
    let words = |error: io::Error| wrong(system_words(&error));
    async_std::fs::read(file)
        .await
        .map(Zeroizing::new)
        .map_err(words)
}

fn explain(target: &Target, error: &io::Error, seen: &Seen) -> Cause {
    let Some(tls) = rustls_error(error) else {
        return match error.kind() {
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe => Cause::ClosedInTls,
            _ => Cause::Tls(system_words(error)),
        };
    };
    match tls {
        Error::InvalidCertificate(problem) => trust::explain(target, problem, seen),
        Error::InvalidMessage(_) => Cause::NotTls,
        other => other_cause(target, other),
    }
}

/// What does not concern the broker's certificate.
fn other_cause(target: &Target, error: &Error) -> Cause {
    let why = match error {
        Error::AlertReceived(alert) => return alert_cause(*alert, target.client_cert.is_some()),
        Error::PeerIncompatible(_) => {
            "the broker has no version of TLS (1.2 or 1.3) and no cipher in common with this program"
        }
        Error::PeerMisbehaved(_)
        | Error::InappropriateMessage { .. }
        | Error::InappropriateHandshakeMessage { .. }
        | Error::PeerSentOversizedRecord => "the broker broke the rules of TLS",
        Error::DecryptError => "what the broker sent cannot be decrypted",
        Error::InvalidMessage(_) => "the broker sent what is no TLS",
        Error::NoCertificatesPresented => "the broker presented no certificate",
        Error::FailedToGetRandomBytes => "the system gives no random bytes",
        Error::FailedToGetCurrentTime => "the system does not tell the time",
        _ => "TLS failed",
    };
    Cause::Tls(why.into())
}

fn alert_cause(alert: AlertDescription, sent_certificate: bool) -> Cause {
    use AlertDescription as Alert;
    let ended = |why: &str| Cause::Tls(format!("the broker ended the handshake: {why}"));
    let refused = |why: &str| Cause::ClientCertificateRefused(why.to_owned());
    match alert {
        Alert::CertificateRequired | Alert::NoCertificate if !sent_certificate => {
            Cause::ClientCertificateWanted
        }
        Alert::HandshakeFailure if !sent_certificate => {
            ended("it may want a client certificate, or there is no common cipher")
        }
        Alert::UnknownCA if sent_certificate => refused("it does not know the CA"),
        Alert::CertificateExpired if sent_certificate => refused("expired"),
        Alert::CertificateRevoked if sent_certificate => refused("revoked"),
        Alert::AccessDenied if sent_certificate => refused("access denied"),
        Alert::DecryptError if sent_certificate => refused("its signature does not fit"),
        Alert::CertificateRequired | Alert::NoCertificate if sent_certificate => {
            refused("it asked for another kind")
        }
        Alert::BadCertificate
        | Alert::UnsupportedCertificate
        | Alert::CertificateUnknown
        | Alert::HandshakeFailure
            if sent_certificate =>
        {
            refused("it cannot use it")
        }
        Alert::ProtocolVersion => {
            Cause::Tls("the broker speaks neither TLS 1.2 nor TLS 1.3".into())
        }
        Alert::UnrecognisedName => {
            Cause::Tls("the broker does not know this host name (SNI)".into())
        }
        other => ended(&format!("alert {}", u8::from(other))),
    }
}

/// What a failed read says that comes before CONNACK: in TLS 1.3 the broker judges our certificate only then.
pub(crate) fn explain_first_read(target: &Target, error: &io::Error) -> Option<Cause> {
    Some(other_cause(target, rustls_error(error)?))
}

fn rustls_error(error: &io::Error) -> Option<&Error> {
    let inner = error.get_ref()?;
    // Below a WebSocket or a handshake, an io::Error may wrap another.
    inner
        .downcast_ref::<Error>()
        .or_else(|| inner.downcast_ref::<io::Error>().and_then(rustls_error))
}
