//! Which certificates of a broker are accepted, and in plain words why one is not.
//!
//! Invariant: without `insecure_tls` a certificate is accepted only if webpki accepts its chain and name, or if it is
//! self-signed, stands itself in `ca_file`, byte by byte, and its name and dates fit. The broker always has to show that it
//! holds the key, as far as that key can be used here.

use super::x509::{Facts, MIN_RSA};
use crate::broker::error::Cause;
use crate::config::target::Target;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use std::cmp::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

/// What the broker presented, the first its own, and then what stands in `ca_file`.
#[derive(Debug, Default)]
pub(super) struct Seen(Mutex<Vec<Facts>>);

impl Seen {
    fn put(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        known: &[CertificateDer<'_>],
    ) {
        // A chain has a handful; a bundle of all public roots would tell nothing.
        const MAX: usize = 16;
        let all = std::iter::once(own).chain(others).chain(known).take(MAX);
        let facts: Option<Vec<Facts>> = all.map(|der| Facts::read(der)).collect();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = facts.unwrap_or_default();
    }

    fn get(&self) -> Vec<Facts> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Asks webpki, and knows self-signed certificates of `ca_file`.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) by: Arc<WebPkiServerVerifier>,
    /// Of `ca_file`.
    pub(super) known: Vec<CertificateDer<'static>>,
    pub(super) seen: Arc<Seen>,
}

impl Checked {
    /// Whether this very certificate is to be trusted.
    fn is_known(
        &self,
        own: &CertificateDer<'_>,
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<bool, Error> {
        if !self.known.iter().any(|known| known == own) {
            return Ok(false);
        }
        let Some(facts) = Facts::read(own).filter(|facts| facts.self_signed) else {
            return Ok(false);
        };
        match facts.dated(now) {
            Some(Ordering::Equal) => {}
            Some(Ordering::Less) => return Err(CertificateError::NotValidYet.into()),
            Some(Ordering::Greater) => return Err(CertificateError::Expired.into()),
            None => return Ok(false),
        }
        verify_server_name(&ParsedCertificate::try_from(own)?, name)?;
        Ok(true)
    }
}

impl ServerCertVerifier for Checked {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.seen.put(own, others, &self.known);
        let checked = self.by.verify_server_cert(own, others, name, ocsp, now);
        match checked {
            Err(_) if self.is_known(own, name, now)? => Ok(ServerCertVerified::assertion()),
            checked => checked,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.by.verify_tls12_signature(message, own, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.by.verify_tls13_signature(message, own, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.by.supported_verify_schemes()
    }
}

/// Takes any certificate, as `insecure_tls` asks; the broker still has to hold its key, where that can be checked here.
#[derive(Debug)]
pub(super) struct Unchecked(pub(super) Arc<CryptoProvider>);

impl Unchecked {
    /// By the key alone: webpki reads no certificate of version 1 or 2, and no RSA key below 2,048 bits is used here.
    fn verify(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let accepted = Ok(HandshakeSignatureValid::assertion());
        let Some(facts) = Facts::read(own) else {
            return accepted;
        };
        if facts.rsa_bits().is_some_and(|bits| bits < MIN_RSA) {
            return accepted;
        }
        let known = self.0.signature_verification_algorithms.mapping;
        let scheme = known.iter().find(|(scheme, _)| *scheme == signed.scheme);
        let fitting: Vec<_> = scheme
            .map_or(&[][..], |(_, algorithms)| algorithms)
            .iter()
            .filter(|it| it.public_key_alg_id().as_ref() == facts.key_algorithm)
            .collect();
        let holds = |algorithm: &&&dyn rustls::pki_types::SignatureVerificationAlgorithm| {
            algorithm
                .verify_signature(&facts.key, message, signed.signature())
                .is_ok()
        };
        if fitting.is_empty() || fitting.iter().any(holds) {
            return accepted;
        }
        Err(CertificateError::BadSignature.into())
    }
}

impl ServerCertVerifier for Unchecked {
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
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verify(message, own, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verify(message, own, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Why the certificate was not accepted.
pub(super) fn explain(target: &Target, problem: &CertificateError, seen: &Seen) -> Cause {
    let seen = seen.get();
    let own = seen.first();
    let poor = |why: String| Cause::PoorCertificate(why, good_line(target));
    let not_valid = |why: &str| Cause::Certificate(why.to_owned());
    let untrusted = Cause::UntrustedCa {
        own_ca: target.ca_file.is_some(),
        self_signed: own.is_some_and(|own| own.self_signed),
    };
    match problem {
        CertificateError::UnknownIssuer => untrusted,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
            if own.is_some_and(|own| !own.names) =>
        {
            poor("it has no subjectAltName, and a name in its subject (CN) does not count".into())
        }
        CertificateError::NotValidForName => {
            Cause::WrongName(target.plain_host().to_owned(), Vec::new())
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names = presented.iter().take(5).map(|name| plain_name(name));
            Cause::WrongName(target.plain_host().to_owned(), names.collect())
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            not_valid("it has expired")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            not_valid("it is not valid yet (is this machine's clock right?)")
        }
        CertificateError::Revoked => not_valid("it was revoked"),
        CertificateError::UnhandledCriticalExtension => {
            not_valid("it has a critical extension that is not known here")
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            not_valid("it is not meant for servers (its extendedKeyUsage lacks serverAuth)")
        }
        other => match (weakness(&seen), other) {
            (Some(why), _) => poor(why),
            (None, CertificateError::BadSignature) => untrusted,
            (None, CertificateError::BadEncoding) => not_valid("it is not well-formed"),
            (None, CertificateError::Other(other)) => {
                of_the_chain(&other.to_string(), own, untrusted)
            }
            (None, _) => not_valid("it is signed in a way that is not supported here"),
        },
    }
}

/// What is too old or too weak about the broker's certificate, or about one that signed it.
fn weakness(seen: &[Facts]) -> Option<String> {
    seen.iter().enumerate().find_map(|(at, facts)| {
        let whose = match at {
            0 => "it",
            _ => "the certificate of the CA that signed it",
        };
        // What stands in ca_file is trusted in any version, whatever it is signed with.
        if at == 0 && facts.version < 3 {
            return Some(format!(
                "it is an X.509 certificate of version {}, and version 3 is needed",
                facts.version
            ));
        }
        if let Some(hash) = facts.weak_hash.filter(|_| !facts.self_signed) {
            return Some(format!(
                "{whose} is signed with {hash}, which can be forged"
            ));
        }
        let bits = facts.rsa_bits().filter(|bits| *bits < MIN_RSA)?;
        let has = match at {
            0 => "its RSA key has".to_owned(),
            _ => format!("the RSA key of {whose} has"),
        };
        let has = has.replace("of the certificate of the CA", "of the CA");
        Some(format!("{has} {bits} bits, and {MIN_RSA} are the least"))
    })
}

/// webpki's own words, which are names in its source.
fn of_the_chain(name: &str, own: Option<&Facts>, untrusted: Cause) -> Cause {
    let why = match name {
        "CaUsedAsEndEntity" if own.is_some_and(|own| own.self_signed) => return untrusted,
        "CaUsedAsEndEntity" => {
            "it is the certificate of a CA (CA:TRUE), and the broker needs one of its own"
        }
        "EndEntityUsedAsCa" => "it is signed by a certificate that is not one of a CA (CA:FALSE)",
        "NameConstraintViolation" => "the CA that signed it may not sign for this name",
        "PathLenConstraintViolated" => {
            "there are more CAs between it and the trusted one than allowed"
        }
        _ => "it or its chain of CAs does not follow the rules of X.509 (RFC 5280)",
    };
    Cause::Certificate(why.into())
}

/// Makes a certificate that is accepted, for the host as it was given.
fn good_line(target: &Target) -> String {
    let host = target.plain_host();
    let kind = match host.parse::<std::net::IpAddr>() {
        Ok(_) => "IP",
        Err(_) => "DNS",
    };
    format!(
        "openssl req -x509 -newkey rsa:2048 -sha256 -nodes -days 825 -keyout broker.key -out broker.pem -subj \"/CN=broker\" -addext \"subjectAltName={kind}:{host}\""
    )
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
