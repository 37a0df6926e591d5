//! TLS by rustls with ring: roots of the system or a CA of the user's, client certificates, or no check at all where the
//! user asked for that. What rustls says is told in the user's words.
//!
//! In TLS 1.3 a refused client certificate shows only at the first read: [`explain_first_read`].

use super::paced::Paced;
use crate::broker::error::Cause;
use crate::broker::target::Target;
use async_std::net::TcpStream;
use futures_rustls::TlsConnector;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, Error,
    ProtocolVersion, RootCertStore, SignatureScheme,
};
use std::io;
use std::path::Path;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Bytes of the largest PEM file that is read: a bundle of all public roots has 220 KiB.
const MAX_PEM: u64 = 2 * 1024 * 1024;

pub(super) type TlsStream = futures_rustls::client::TlsStream<Paced<TcpStream>>;

/// The handshake, with SNI where the host is a name.
pub(super) async fn connect(target: &Target, tcp: Paced<TcpStream>) -> Result<TlsStream, Cause> {
    let config = config(target).await?;
    let name = ServerName::try_from(target.host.clone()).map_err(|_| {
        Cause::Unusable(format!(
            "\"{}\" is no name a certificate can have",
            target.host
        ))
    })?;
    TlsConnector::from(Arc::new(config))
        .connect(name, tcp)
        .await
        .map_err(|error| explain(target, &error))
}

/// `TLS 1.3`.
pub(super) fn version(stream: &TlsStream) -> Option<String> {
    let version = match stream.get_ref().1.protocol_version()? {
        ProtocolVersion::TLSv1_3 => "TLS 1.3".to_owned(),
        ProtocolVersion::TLSv1_2 => "TLS 1.2".to_owned(),
        other => format!("{other:?}"),
    };
    Some(version)
}

async fn config(target: &Target) -> Result<ClientConfig, Cause> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| Cause::Tls(error.to_string()))?;
    let builder = if target.insecure_tls {
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(NoCheck(provider)))
    } else {
        builder.with_root_certificates(roots(target.ca_file.as_deref()).await?)
    };
    match (&target.client_cert, &target.client_key) {
        (Some(cert), Some(key)) => {
            let chain = certificates("client_cert", cert).await?;
            let key_name = key.display().to_string();
            let key = private_key(key).await?;
            builder.with_client_auth_cert(chain, key).map_err(|error| {
                Cause::File(
                    "client_key",
                    key_name,
                    format!("does not fit client_cert ({error})"),
                )
            })
        }
        (None, None) => Ok(builder.with_no_client_auth()),
        _ => Err(Cause::Unusable(
            "client_cert and client_key are needed together".into(),
        )),
    }
}

async fn roots(ca_file: Option<&Path>) -> Result<RootCertStore, Cause> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = ca_file {
        for certificate in certificates("ca_file", file).await? {
            roots.add(certificate).map_err(|error| {
                Cause::File("ca_file", file.display().to_string(), error.to_string())
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
    Ok(roots)
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
        _ => wrong(error.to_string()),
    };
    let about = async_std::fs::metadata(file).await.map_err(words)?;
    if !about.is_file() {
        return Err(wrong("is not a file".into()));
    }
    if about.len() > MAX_PEM {
        return Err(wrong(format!("is larger than {MAX_PEM} bytes")));
    }
    let words = |error: io::Error| wrong(error.to_string());
    async_std::fs::read(file)
        .await
        .map(Zeroizing::new)
        .map_err(words)
}

fn explain(target: &Target, error: &io::Error) -> Cause {
    let Some(tls) = rustls_error(error) else {
        return match error.kind() {
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe => Cause::ClosedInTls,
            _ => Cause::Tls(error.to_string()),
        };
    };
    match tls {
        Error::InvalidCertificate(problem) => certificate(target, problem),
        Error::InvalidMessage(_) => Cause::NotTls,
        Error::AlertReceived(alert) => alert_cause(*alert, target.client_cert.is_some()),
        other => Cause::Tls(other.to_string()),
    }
}

fn certificate(target: &Target, problem: &CertificateError) -> Cause {
    let own_ca = target.ca_file.is_some();
    match problem {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            Cause::UntrustedCa { own_ca }
        }
        CertificateError::NotValidForName => Cause::WrongName(target.host.clone(), Vec::new()),
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names = presented
                .iter()
                .take(5)
                .map(|name| plain_name(name))
                .collect();
            Cause::WrongName(target.host.clone(), names)
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            Cause::Certificate("it has expired".into())
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            Cause::Certificate("it is not valid yet (is this machine's clock right?)".into())
        }
        CertificateError::Revoked => Cause::Certificate("it was revoked".into()),
        // A self-signed certificate that is a CA itself, offered as the broker's own.
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            Cause::UntrustedCa { own_ca }
        }
        other => Cause::Certificate(other.to_string()),
    }
}

/// rustls writes `DnsName("broker.example")` and the like.
fn plain_name(presented: &str) -> String {
    match presented
        .split_once("(\"")
        .and_then(|(_, rest)| rest.split_once('"'))
    {
        Some((name, _)) => name.to_owned(),
        None => presented.to_owned(),
    }
}

fn alert_cause(alert: AlertDescription, sent_certificate: bool) -> Cause {
    use AlertDescription as Alert;
    match alert {
        Alert::CertificateRequired | Alert::NoCertificate => Cause::ClientCertificateWanted,
        Alert::HandshakeFailure if !sent_certificate => Cause::Tls(
            "the broker ended the handshake (it may want a client certificate, or no common cipher)"
                .into(),
        ),
        Alert::BadCertificate
        | Alert::UnsupportedCertificate
        | Alert::CertificateRevoked
        | Alert::CertificateExpired
        | Alert::CertificateUnknown
        | Alert::UnknownCA
        | Alert::AccessDenied
        | Alert::HandshakeFailure
        | Alert::DecryptError
            if sent_certificate =>
        {
            Cause::ClientCertificateRefused(format!("{alert:?}"))
        }
        Alert::ProtocolVersion => {
            Cause::Tls("the broker speaks neither TLS 1.2 nor TLS 1.3".into())
        }
        Alert::UnrecognisedName => {
            Cause::Tls("the broker does not know this host name (SNI)".into())
        }
        other => Cause::Tls(format!("the broker ended the handshake ({other:?})")),
    }
}

/// What a failed read says that comes before CONNACK: in TLS 1.3 the broker judges our certificate only then.
pub(crate) fn explain_first_read(target: &Target, error: &io::Error) -> Option<Cause> {
    match rustls_error(error)? {
        Error::AlertReceived(alert) => Some(alert_cause(*alert, target.client_cert.is_some())),
        other => Some(Cause::Tls(other.to_string())),
    }
}

fn rustls_error(error: &io::Error) -> Option<&Error> {
    let inner = error.get_ref()?;
    // Below a WebSocket or a handshake, an io::Error may wrap another.
    inner
        .downcast_ref::<Error>()
        .or_else(|| inner.downcast_ref::<io::Error>().and_then(rustls_error))
}

/// Takes any certificate, as `insecure_tls` asks; still checks that the broker holds its key.
#[derive(Debug)]
struct NoCheck(Arc<CryptoProvider>);

impl ServerCertVerifier for NoCheck {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
